//! Packages and versions in the text that a check prints. Nessus and OpenVAS say in fixed
//! words what they found installed and what would be right, and nowhere else:
//!
//! ```text
//! Remote package installed : tar-1.26-35.amzn2.0.1      Vulnerable package:   libssl1.1
//! Should be                : tar-1.26-35.amzn2.0.2      Installed version:    libssl1.1-1.1.1n-0+deb10u3
//!                                                       Fixed version:      >=libssl1.1-1.1.1n-0+deb10u4
//! - Installed package : openssl_1.1.1-1ubuntu2.1
//!   Fixed package     : openssl_1.1.1-1ubuntu2.2        Path              : /opt/splunk
//!                                                       Installed version : 8.2.1
//!                                                       Fixed version     : 8.2.7.1
//! ```
//!
//! Lines that are none of these mean nothing.

use super::checks::Affected;
use crate::adapters::importers::text;
use crate::base::limits;
use crate::domain::component::Component;

/// What lines say until one of them begins again.
#[derive(Debug, Default, Clone, PartialEq)]
struct Block {
    package: Option<String>,
    version: Option<String>,
    fixed: Option<String>,
    path: Option<String>,
}

/// What is affected by what `printed` says; `component` if it says nothing, and for what
/// it leaves open. At least one; each once.
#[must_use]
pub fn affected(printed: Option<&str>, component: &Component) -> Vec<Affected> {
    let blocks = printed.map(blocks).unwrap_or_default();
    let mut all: Vec<Affected> = Vec::new();
    for block in blocks.iter().take(limits::LIST_VALUES) {
        let found = package(block).or_else(|| product(block, component));
        if let Some(found) = found.filter(|f| !all.contains(f)) {
            all.push(found);
        }
    }
    if all.is_empty() {
        all.push(Affected { component: component.clone(), fixed_version: None });
    }
    all
}

/// Calls the products of which only a version is known what `sentence` begins with: `Splunk
/// Enterprise 8.1 < 8.1.11`, `Mozilla Firefox version before 117 on Windows`.
pub fn call(affected: &mut [Affected], sentence: &str) {
    let Some(product) = subject(sentence) else { return };
    let components = affected.iter_mut().map(|a| &mut a.component);
    for component in components.filter(|c| c.version.is_some() && c.ecosystem.is_none()) {
        component.name.clone_from(&product);
    }
}

/// The words before the first that is about versions; at most six.
fn subject(sentence: &str) -> Option<String> {
    const ENDS: &[&str] =
        &["version", "versions", "prior", "before", "through", "on", "and", "or", "in"];
    let is_end = |w: &str| {
        w.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '<' | '(' | '-'))
            || ENDS.contains(&w.to_ascii_lowercase().as_str())
    };
    let words: Vec<_> = sentence.split_whitespace().take(8).collect();
    let end = words.iter().position(|w| is_end(w)).filter(|end| (1..=6).contains(end))?;
    text::to_name(&words[..end].join(" ")).ok().flatten()
}

fn blocks(printed: &str) -> Vec<Block> {
    let (mut all, mut block) = (Vec::new(), Block::default());
    for line in printed.lines() {
        let Some((label, value)) = line.split_once(':') else { continue };
        let label = label.trim().trim_start_matches(['-', '*']).trim().to_ascii_lowercase();
        let Some(value) = text::to_name(value).ok().flatten() else { continue };
        if slot(&mut block, &label).is_some_and(|slot| slot.is_some()) {
            all.push(std::mem::take(&mut block));
        }
        if let Some(slot) = slot(&mut block, &label) {
            *slot = Some(value);
        }
    }
    all.push(block);
    all
}

/// The field that a line with this label fills.
fn slot<'b>(block: &'b mut Block, label: &str) -> Option<&'b mut Option<String>> {
    Some(match label {
        "remote package installed"
        | "installed package"
        | "package installed"
        | "vulnerable package" => &mut block.package,
        "installed version" | "remote version" | "file version" | "product version" => {
            &mut block.version
        }
        "fixed version" | "should be" | "fixed package" => &mut block.fixed,
        "path" | "installation path" | "path / port" | "file checked" => &mut block.path,
        _ => return None,
    })
}

/// A package of the operating system.
fn package(block: &Block) -> Option<Affected> {
    let printed = block.package.as_deref()?;
    let (name, version, ecosystem) = match block.version.as_deref() {
        // OpenVAS: the name by itself, and `name-version`.
        Some(version) => {
            let version = version.strip_prefix(printed)?.strip_prefix(['-', '_'])?;
            (printed, version, system_of(version))
        }
        None => split(printed)?,
    };
    let fixed = block.fixed.as_deref().and_then(|fixed| {
        let fixed = fixed.trim_start_matches(['>', '=', '<', ' ']);
        let fixed = fixed.strip_prefix(name).and_then(|f| f.strip_prefix(['-', '_']));
        fixed.map(without_architecture).filter(|f| is_version(f))
    });
    let component = Component {
        name: name.to_owned(),
        version: Some(without_architecture(version).to_owned()),
        ecosystem: Some(ecosystem.to_owned()),
        ..Component::default()
    };
    Some(Affected { component, fixed_version: fixed.map(str::to_owned) })
}

/// Takes `openssl_1.1.1-1ubuntu2` (deb) and `kernel-tools-4.14.314-237.533.amzn2` (rpm)
/// apart into name, version, ecosystem.
fn split(printed: &str) -> Option<(&str, &str, &'static str)> {
    let digit = |t: &str| t.starts_with(|c: char| c.is_ascii_digit());
    if let Some((name, version)) = printed.split_once('_').filter(|(_, version)| digit(version)) {
        return is_package_name(name).then_some((name, version, "deb"));
    }
    let release = printed.rfind('-')?;
    let at = printed[..release].rfind('-')?;
    let (name, version) = (&printed[..at], &printed[at + 1..]);
    let whole = digit(version) && digit(&printed[release + 1..]) && is_package_name(name);
    whole.then_some((name, version, "rpm"))
}

/// `deb` or `rpm`, as far as a version tells: rpm's releases carry their distribution.
pub fn system_of(version: &str) -> &'static str {
    let marks = [".el", ".fc", ".amzn", ".lp1", "-lp1", ".mga", ".oe", ".an", ".cm2", ".eulerosv"];
    let is_architecture = without_architecture(version) != version;
    let is_rpm = is_architecture || marks.iter().any(|mark| version.contains(mark));
    if is_rpm { "rpm" } else { "deb" }
}

fn without_architecture(version: &str) -> &str {
    let architectures =
        [".x86_64", ".noarch", ".aarch64", ".i686", ".i386", ".i586", ".ppc64le", ".s390x"];
    architectures.iter().find_map(|a| version.strip_suffix(a)).unwrap_or(version)
}

/// Whether it could be the name of a package of an operating system.
pub fn is_package_name(name: &str) -> bool {
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '+' | '-' | '_' | ':');
    !name.is_empty() && name.chars().all(legal)
}

/// Whether it could be one: short, with a digit.
pub fn is_version(text: &str) -> bool {
    text.len() <= 100 && text.contains(|c: char| c.is_ascii_digit())
}

/// A version of the product that `component` is.
fn product(block: &Block, component: &Component) -> Option<Affected> {
    let version = block.version.clone().filter(|v| block.package.is_none() && is_version(v))?;
    let is_path = |p: &&String| p.contains(['/', '\\']) && !p.ends_with("/tcp") && p.len() > 1;
    let component = Component {
        version: Some(version),
        path: block.path.as_ref().filter(is_path).cloned().or_else(|| component.path.clone()),
        ..component.clone()
    };
    let fixed_version = block.fixed.clone().filter(|v| is_version(v));
    Some(Affected { component, fixed_version })
}

#[cfg(test)]
mod tests {
    use super::*;

    type Found = (String, Option<String>, Option<String>, Option<String>, Option<String>);

    fn read(text: &str) -> Vec<Found> {
        let php = Component { name: "php".into(), ..Component::default() };
        let row = |a: Affected| {
            let c = a.component;
            (c.name, c.version, a.fixed_version, c.ecosystem, c.path)
        };
        affected(Some(text), &php).into_iter().map(row).collect()
    }

    fn row(fields: [&str; 5]) -> Found {
        let some = |n: usize| Some(fields[n].to_owned()).filter(|f| !f.is_empty());
        (fields[0].to_owned(), some(1), some(2), some(3), some(4))
    }

    #[test]
    fn packages_are_read_in_the_words_of_each_scanner() {
        let nessus = "\nRemote package installed : kernel-4.14.314-237.533.amzn2\nShould be                : kernel-4.14.314-238.539.amzn2\n\nRemote package installed : kernel-tools-4.14.314-237.533.amzn2\nShould be                : kernel-tools-4.14.314-238.539.amzn2\n";
        assert_eq!(
            read(nessus),
            [
                row(["kernel", "4.14.314-237.533.amzn2", "4.14.314-238.539.amzn2", "rpm", ""]),
                row([
                    "kernel-tools",
                    "4.14.314-237.533.amzn2",
                    "4.14.314-238.539.amzn2",
                    "rpm",
                    ""
                ]),
            ]
        );
        let ubuntu = "  - Installed package : openssl_1.1.1-1ubuntu2.1\n    Fixed package     : openssl_1.1.1-1ubuntu2.2\n";
        assert_eq!(
            read(ubuntu),
            [row(["openssl", "1.1.1-1ubuntu2.1", "1.1.1-1ubuntu2.2", "deb", ""])]
        );
        let openvas = "Vulnerable package:   libssl1.1\nInstalled version:    libssl1.1-1.1.1n-0+deb10u3\nFixed version:      >=libssl1.1-1.1.1n-0+deb10u4\n";
        assert_eq!(
            read(openvas),
            [row(["libssl1.1", "1.1.1n-0+deb10u3", "1.1.1n-0+deb10u4", "deb", ""])]
        );
        let rpm = "Vulnerable package:   tar\nInstalled version:    tar-1.26-35.el7.x86_64\nFixed version:      >=tar-1.26-36.el7.x86_64\n";
        assert_eq!(read(rpm), [row(["tar", "1.26-35.el7", "1.26-36.el7", "rpm", ""])]);
    }

    #[test]
    fn versions_of_a_product_are_read() {
        let two = "  Path              : /opt/a\n  Installed version : 8.2.1\n  Fixed version     : 8.2.7.1\n\n  Path              : /opt/b\n  Installed version : 8.1\n";
        assert_eq!(
            read(two),
            [row(["php", "8.2.1", "8.2.7.1", "", "/opt/a"]), row(["php", "8.1", "", "", "/opt/b"])]
        );
        let windows = "Installed version: 116.0\nFixed version:     117\nInstallation\npath / port:       C:\\Program Files\\Firefox\n";
        assert_eq!(read(windows), [row(["php", "116.0", "117", "", "C:\\Program Files\\Firefox"])]);
        let port = "Installed version: 2.4.7\nInstallation\npath / port:       80/tcp";
        assert_eq!(read(port), [row(["php", "2.4.7", "", "", ""])]);
    }

    #[test]
    fn products_are_what_a_sentence_begins_with() {
        for (sentence, product) in [
            ("Splunk Enterprise 8.1 < 8.1.11, 8.2.0 < 8.2.7.1", Some("Splunk Enterprise")),
            ("Mozilla Firefox version before\n 117 on Windows.", Some("Mozilla Firefox")),
            ("PHP < 5.2", Some("PHP")),
            ("8.1 of something", None),
            ("One two three four five six seven 8", None),
            ("", None),
        ] {
            assert_eq!(subject(sentence).as_deref(), product, "{sentence}");
        }
    }

    #[test]
    fn other_words_mean_nothing() {
        for text in [
            "",
            "Path : /x",
            "Installed version : unknown",
            "Remote package installed : <b>x</b>",
            "Remote package installed : é-é-é",
            "Fixed version : 2",
            "Vulnerable package: x\nInstalled version: y-1",
        ] {
            assert_eq!(read(text), [row(["php", "", "", "", ""])], "{text}");
        }
    }
}
