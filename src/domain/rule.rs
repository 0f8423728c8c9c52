//! Rules (table `rules`): what shall hold for findings like these, without anybody saying
//! it each time: who works on them, by when, that they count as looked at, what to know.
//! How rules and SLA policies work together is in `ruleset.rs`.

use poem_openapi::{Object, types::MaybeUndefined};
use serde::{Deserialize, Serialize};

use super::asset::{merge, set};
use super::matcher::Matcher;
use crate::base::record::{Field, Index, Kind, Record, asc};
use crate::base::{Error, Result, Timestamp};

/// What a rule does; at least one thing, unless it only stops.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, Object)]
#[oai(deny_unknown_fields)]
#[serde(default)]
pub struct Actions {
    /// Who works on it.
    #[oai(validator(min_length = 1, max_length = 255))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assign_to: Option<String>,
    /// By when it should be fixed: days from when it was seen first, or came back. The
    /// clock stands still while a verdict holds.
    #[oai(validator(minimum(value = "1"), maximum(value = "3650")))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_days: Option<u64>,
    /// It counts as looked at.
    #[oai(default)]
    pub triage: bool,
    /// What to know.
    #[oai(validator(min_length = 1, max_length = 4000))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// One rule.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Object)]
pub struct Rule {
    /// Number.
    pub id: u64,
    /// Goes up with every change; the ETag.
    pub version: u64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
    /// What people call it. Unique.
    pub name: String,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Its place; lower ones are tried first, and the first that sets a thing wins.
    pub order: u64,
    /// Whether it is used.
    pub enabled: bool,
    /// Which findings it is about.
    pub matcher: Matcher,
    /// What it does.
    pub actions: Actions,
    /// Whether no later rule is tried once it matched.
    #[serde(default)]
    pub stop: bool,
}

/// Most rules: each finding is held against all of them.
pub const RULES: usize = 200;

impl Rule {
    fn check(&self) -> Result<()> {
        self.matcher.check("/matcher")?;
        let blank = |text: &Option<String>| text.as_ref().is_some_and(|t| t.trim().is_empty());
        if blank(&self.actions.assign_to) {
            return Err(Error::field("/actions/assign_to", "it names nobody"));
        }
        if blank(&self.actions.note) {
            return Err(Error::field("/actions/note", "it says nothing"));
        }
        if self.actions == Actions::default() && !self.stop {
            return Err(Error::field("/actions", "a rule must do something, or stop"));
        }
        Ok(())
    }
}

/// What can be filtered, sorted and counted by.
const RULE_FIELDS: &[Field<Rule>] = &[
    Field::<Rule>::new("name", Kind::Text, |r, f| f((&r.name).into()), "Its name."),
    Field::<Rule>::new("order", Kind::U64, |r, f| f(r.order.into()), "Its place."),
    Field::<Rule>::new("enabled", Kind::Bool, |r, f| f(r.enabled.into()), "Whether it is used.")
        .facet(),
    Field::<Rule>::new(
        "assign_to",
        Kind::Text,
        |r, f| f((&r.actions.assign_to).into()),
        "To whom it gives findings.",
    )
    .facet(),
];

/// Secondary indexes, and what each is for.
const RULE_INDEXES: &[Index] = &[
    Index::on("idx_rules_name", &[asc("name")], "Each name once; look-up by it.").unique(),
    Index::on("idx_rules_order", &[asc("order")], "In the order in which they are tried."),
];

impl Record for Rule {
    const TABLE: &'static str = "rules";
    const FACETS: &'static str = "fct_rules";
    const NOUN: &'static str = "rule";
    const NATURAL_KEY: Option<&'static str> = Some("idx_rules_name");
    const DEFAULT_SORT: &'static str = "order";

    fn fields() -> &'static [Field<Self>] {
        RULE_FIELDS
    }

    fn indexes() -> &'static [Index] {
        RULE_INDEXES
    }

    crate::record_head!();
}

/// A new rule as a client sends it. It goes behind the others.
#[derive(Debug, Clone, Default, Object)]
#[oai(deny_unknown_fields)]
pub struct NewRule {
    /// What people call it. Unique; not only digits.
    #[oai(validator(
        min_length = 1,
        max_length = 255,
        pattern = r"^[^\x00-\x1f]*[^\x00-\x1f0-9\s][^\x00-\x1f]*$"
    ))]
    pub name: String,
    /// What it is for.
    #[oai(validator(max_length = 4000))]
    pub description: Option<String>,
    /// Whether it is used; by default it is.
    pub enabled: Option<bool>,
    /// Which findings it is about.
    pub matcher: Matcher,
    /// What it does.
    pub actions: Actions,
    /// Whether no later rule is tried once it matched.
    pub stop: Option<bool>,
}

impl NewRule {
    /// The rule that this describes, without its place.
    pub fn build(self) -> Result<Rule> {
        let rule = Rule {
            name: self.name,
            description: self.description,
            enabled: self.enabled.unwrap_or(true),
            matcher: self.matcher,
            actions: self.actions,
            stop: self.stop.unwrap_or(false),
            ..Rule::default()
        };
        rule.check().map(|()| rule)
    }
}

/// A change to a rule: absent leaves, `null` clears, a value sets (RFC 7396); `matcher` and
/// `actions` are replaced as a whole.
#[derive(Debug, Clone, Default, Object)]
#[oai(deny_unknown_fields)]
pub struct RulePatch {
    /// What people call it.
    #[oai(validator(
        min_length = 1,
        max_length = 255,
        pattern = r"^[^\x00-\x1f]*[^\x00-\x1f0-9\s][^\x00-\x1f]*$"
    ))]
    pub name: Option<String>,
    /// What it is for.
    #[oai(validator(max_length = 4000))]
    pub description: MaybeUndefined<String>,
    /// Whether it is used.
    pub enabled: Option<bool>,
    /// Which findings it is about; replaces all conditions.
    pub matcher: Option<Matcher>,
    /// What it does; replaces all of it.
    pub actions: Option<Actions>,
    /// Whether no later rule is tried once it matched.
    pub stop: Option<bool>,
}

impl RulePatch {
    /// The rule with this change, or why it cannot be.
    pub fn apply(&self, mut rule: Rule) -> Result<Rule> {
        set(&mut rule.name, self.name.as_ref());
        merge(&mut rule.description, &self.description);
        set(&mut rule.enabled, self.enabled.as_ref());
        set(&mut rule.matcher, self.matcher.as_ref());
        set(&mut rule.actions, self.actions.as_ref());
        set(&mut rule.stop, self.stop.as_ref());
        rule.check().map(|()| rule)
    }
}
