//! Conditions one by one, their combination, and globs against another implementation.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::base::Timestamp;
use crate::domain::component::Component;
use crate::domain::finding::Source;

fn world() -> (Finding, Asset, Vulnerability) {
    let mut v = Vulnerability::new("CVE-2026-1".into(), "test".into(), Timestamp::default());
    v.aliases = vec!["GHSA-AAAA-BBBB-CCCC".into()];
    v.advisories = vec!["DSA-1-1".into()];
    v.exploit_available = true;
    let mut asset = Asset::new("web-1".into());
    asset.name = "Web shop".into();
    asset.hostname = Some("shop.example.org".into());
    asset.asset_type = AssetType::Server;
    asset.environment = Environment::Production;
    asset.exposure = Exposure::Internet;
    asset.criticality = 8;
    asset.owner = Some("Eve".into());
    asset.tags = [("team".into(), "Web".into())].into();
    let finding = Finding {
        severity: Severity::High,
        component: Component {
            name: "log4j-core".into(),
            purl: Some("pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1".into()),
            ecosystem: Some("maven".into()),
            ..Component::default()
        },
        kev: true,
        epss_score: Some(0.5),
        cvss_score: Some(7.5),
        fix_available: true,
        sources: vec![Source { scanner: "Trivy".into(), ..Source::default() }],
        ..Finding::default()
    };
    (finding, asset, v)
}

fn matcher(value: serde_json::Value) -> Matcher {
    serde_json::from_value(value).unwrap()
}

fn holds(value: serde_json::Value) -> bool {
    let (finding, asset, v) = world();
    let m = matcher(value);
    m.check("").unwrap();
    m.lowered().matches(&Facts::of(&finding, &asset, &v))
}

#[test]
fn each_condition_holds_or_does_not() {
    for (yes, no) in [
        (json!({"severity": ["low", "high"]}), json!({"severity": ["low", "critical"]})),
        (json!({"vulnerability": ["cve-2026-*"]}), json!({"vulnerability": ["CVE-2026-"]})),
        (json!({"vulnerability": ["ghsa-*"]}), json!({"vulnerability": ["rhsa-*"]})),
        (json!({"vulnerability": ["DSA-1-?"]}), json!({"vulnerability": ["DSA-1-??"]})),
        (json!({"package": ["LOG4J*"]}), json!({"package": ["log4j"]})),
        (json!({"package": ["org.apache.*:log4j-core"]}), json!({"package": ["maven *"]})),
        (json!({"ecosystem": ["deb", "Maven"]}), json!({"ecosystem": ["mav*"]})),
        (json!({"scanner": ["trivy"]}), json!({"scanner": ["grype"]})),
        (json!({"kev": true}), json!({"kev": false})),
        (json!({"exploit_available": true}), json!({"exploit_available": false})),
        (json!({"fix_available": true}), json!({"fix_available": false})),
        (json!({"epss_min": 0.5}), json!({"epss_min": 0.51})),
        (json!({"cvss_min": 7.5}), json!({"cvss_min": 7.6})),
        (json!({"asset": ["WEB-?"]}), json!({"asset": ["web"]})),
        (json!({"asset": ["web shop"]}), json!({"asset": ["mail*"]})),
        (json!({"asset": ["*.example.org"]}), json!({"asset": ["*.example.com"]})),
        (json!({"asset_type": ["server"]}), json!({"asset_type": ["container"]})),
        (json!({"tag": ["team=web"]}), json!({"tag": ["team=mail"]})),
        (json!({"tag": ["team=*"]}), json!({"tag": ["env=*"]})),
        (json!({"exposure": ["internet"]}), json!({"exposure": ["internal", "isolated"]})),
        (json!({"environment": ["production"]}), json!({"environment": ["test"]})),
        (json!({"criticality_min": 8}), json!({"criticality_min": 9})),
        (json!({"owner": ["e?e"]}), json!({"owner": ["adam"]})),
    ] {
        assert!(holds(yes.clone()), "{yes}");
        assert!(!holds(no.clone()), "{no}");
    }
    assert!(holds(json!({"severity": ["high"], "tag": ["team=web"], "kev": true})));
    assert!(!holds(json!({"severity": ["high"], "tag": ["team=mail"], "kev": true})));
    assert!(holds(json!({"all": true})));
}

#[test]
fn what_nobody_has_scored_reaches_nothing() {
    let (mut finding, asset, v) = world();
    (finding.epss_score, finding.cvss_score) = (None, None);
    for value in [json!({"epss_min": 0.0}), json!({"cvss_min": 0.0})] {
        let m = matcher(value.clone());
        assert!(!m.matches(&Facts::of(&finding, &asset, &v)), "{value}");
    }
}

#[test]
fn what_is_wrong_is_named() {
    for (value, pointer) in [
        (json!({}), "/matcher"),
        (json!({"all": true, "kev": true}), "/matcher/all"),
        (json!({"package": ["a", " "]}), "/matcher/package/1"),
        (json!({"owner": ["a\u{7}"]}), "/matcher/owner/0"),
        (json!({"asset": ["x".repeat(1025)]}), "/matcher/asset/0"),
        (json!({"tag": ["team"]}), "/matcher/tag/0"),
    ] {
        let wrong = matcher(value.clone()).check("/matcher").unwrap_err();
        assert_eq!(wrong.fields()[0].pointer, pointer, "{value}");
    }
    // Without saying so, nothing is everything.
    let (finding, asset, v) = world();
    assert!(!Matcher::default().matches(&Facts::of(&finding, &asset, &v)));
}

#[test]
fn a_package_is_searched_by_a_word_that_every_match_has() {
    for (pattern, word) in [
        ("openssl", Some("openssl")),
        ("openssl*", Some("openssl")),
        ("lib*", Some("lib")),
        ("*ssl", None),
        ("*-core", Some("core")),
        ("org.apache.logging.log4j:log4j-core", Some("log4j")),
        ("@babel/*", None),
        ("li", None),
        ("?abc", None),
    ] {
        assert_eq!(search_word(pattern).as_deref(), word, "{pattern}");
    }
}

proptest! {
    #[test]
    fn globs_are_what_a_regex_says(pattern in "[ab*?.]{0,8}", text in "[ab.]{0,10}") {
        let regex: String = pattern
            .chars()
            .map(|c| match c {
                '*' => ".*".to_owned(),
                '?' => ".".to_owned(),
                c => regex::escape(&c.to_string()),
            })
            .collect();
        let regex = regex::Regex::new(&format!("^(?s:{regex})$")).unwrap();
        prop_assert_eq!(glob(&pattern, &text), regex.is_match(&text));
    }

    /// Whatever is like a pattern has a word that begins with the one it is searched by.
    #[test]
    fn no_match_is_missed_by_its_word(
        text in "[abc./-]{3,14}",
        masks in proptest::collection::vec(0..12_u8, 14),
    ) {
        let pattern: String = text
            .chars()
            .zip(masks)
            .flat_map(|(c, mask)| match mask {
                0 => vec!['?'],
                1 => vec!['*'],
                2 => vec!['*', c],
                _ => vec![c],
            })
            .collect();
        prop_assert!(glob(&pattern, &text));
        if let Some(word) = search_word(&pattern) {
            let mut found = false;
            crate::domain::search::words([text.as_str()], &mut |w| found |= w.starts_with(&word));
            prop_assert!(found, "{} is not in {}", word, text);
        }
    }
}
