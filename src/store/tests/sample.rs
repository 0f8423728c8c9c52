//! A record with every kind of field and index, and random ones of it with few different
//! values, so that they collide.

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;
use serde::{Deserialize, Serialize};

use crate::base::Timestamp;
use crate::base::record::{Field, Index, Kind, Record, Value, asc, desc};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Sample {
    pub(super) id: u64,
    pub(super) version: u64,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
    pub(super) flag: bool,
    pub(super) color: u8,
    pub(super) rank: Option<u64>,
    pub(super) level: u64,
    pub(super) score: f64,
    pub(super) heat: Option<f64>,
    pub(super) seen: Timestamp,
    pub(super) due: Option<Timestamp>,
    pub(super) name: Option<String>,
    pub(super) owner: Option<String>,
    pub(super) code: String,
    pub(super) serial: Option<u64>,
    pub(super) site: String,
    pub(super) slot: Option<u64>,
    pub(super) labels: Vec<String>,
    pub(super) aliases: Vec<String>,
    pub(super) words: Vec<String>,
    pub(super) plain: u64,
}

pub(super) const COLORS: &[&str] = &["red", "green", "blue"];

fn texts(values: &[String], emit: &mut dyn FnMut(Value)) {
    for value in values {
        emit(value.into());
    }
}

impl Record for Sample {
    const TABLE: &'static str = "samples";
    const FACETS: &'static str = "fct_samples";
    const NOUN: &'static str = "sample";
    const NATURAL_KEY: Option<&'static str> = Some("idx_samples_code");
    const DEFAULT_SORT: &'static str = "-score";

    fn fields() -> &'static [Field<Self>] {
        const FIELDS: &[Field<Sample>] = &[
            Field::<Sample>::new("flag", Kind::Bool, |s, f| f(s.flag.into()), "").facet(),
            Field::<Sample>::new("color", Kind::Enum(COLORS), |s, f| f(Value::Enum(s.color)), "")
                .facet(),
            Field::<Sample>::new("rank", Kind::U64, |s, f| f((&s.rank).into()), ""),
            Field::<Sample>::new("level", Kind::U64, |s, f| f(s.level.into()), "").facet(),
            Field::<Sample>::new("score", Kind::F64, |s, f| f(s.score.into()), ""),
            Field::<Sample>::new("heat", Kind::F64, |s, f| f((&s.heat).into()), "").facet(),
            Field::<Sample>::new("seen", Kind::Time, |s, f| f(s.seen.into()), ""),
            Field::<Sample>::new("due", Kind::Time, |s, f| f((&s.due).into()), ""),
            Field::<Sample>::new("name", Kind::Text, |s, f| f((&s.name).into()), ""),
            Field::<Sample>::new("owner", Kind::Text, |s, f| f((&s.owner).into()), "").facet(),
            Field::<Sample>::new("code", Kind::Text, |s, f| f((&s.code).into()), ""),
            Field::<Sample>::new("serial", Kind::U64, |s, f| f((&s.serial).into()), ""),
            Field::<Sample>::new("site", Kind::Text, |s, f| f((&s.site).into()), ""),
            Field::<Sample>::new("slot", Kind::U64, |s, f| f((&s.slot).into()), ""),
            Field::<Sample>::many("label", Kind::Text, |s, f| texts(&s.labels, f), "").facet(),
            Field::<Sample>::many("alias", Kind::Text, |s, f| texts(&s.aliases, f), ""),
            Field::<Sample>::many("words", Kind::Words, |s, f| texts(&s.words, f), ""),
            Field::<Sample>::new("plain", Kind::U64, |s, f| f(s.plain.into()), ""),
        ];
        FIELDS
    }

    fn indexes() -> &'static [Index] {
        const INDEXES: &[Index] = &[
            Index::on("idx_samples_code", &[asc("code")], "Natural key.").unique(),
            Index::on("idx_samples_serial", &[asc("serial")], "Unique, if there is one.").unique(),
            Index::on("idx_samples_place", &[asc("site"), asc("slot")], "Unique pair.").unique(),
            Index::on("idx_samples_site_label", &[asc("site"), asc("label")], "Several last."),
            Index::on("idx_samples_site", &[asc("site")], "Single."),
            Index::on("idx_samples_rank", &[asc("rank")], "Single, optional."),
            Index::on("idx_samples_score", &[asc("score")], "Single."),
            Index::on("idx_samples_name", &[asc("name"), asc("rank")], "Text, and more."),
            Index::on(
                "idx_samples_due_owner_score",
                &[asc("due"), desc("owner"), asc("score")],
                "Mixed, and more.",
            ),
            Index::on("idx_samples_due", &[asc("due")], "Time."),
            Index::on("idx_samples_seen_name", &[desc("seen"), asc("name")], "Mixed."),
            Index::on("idx_samples_flag_seen", &[asc("flag"), desc("seen")], "Filter and order."),
            Index::on("idx_samples_color_score", &[asc("color"), asc("score")], "Both ascending."),
            Index::on("idx_samples_label_rank", &[asc("label"), asc("rank")], "Several first."),
            Index::on("idx_samples_alias", &[asc("alias")], "Several."),
            Index::on("idx_samples_words", &[asc("words")], "Search."),
        ];
        INDEXES
    }

    crate::record_head!();
}

pub(super) const TEXTS: &[&str] = &["", "a", "a\0b", "ab", "ac,d", "b*", "ä", "\u{10ffff}"];
pub(super) const NUMBERS: &[u64] = &[0, 1, 2, 255, 256, u64::MAX];
pub(super) const FLOATS: &[f64] = &[-1.5, -0.0, 0.0, 0.1, 7.5, 99.9];
pub(super) const TIMES: &[i64] = &[-1, 0, 1, 1_700_000_000_000_000];
pub(super) const WORDS: &[&str] = &["log4j", "log4j-core", "core", "openssl", "open"];

pub(super) fn text() -> impl Strategy<Value = String> + Clone {
    select(TEXTS).prop_map(str::to_owned)
}

pub(super) fn time() -> impl Strategy<Value = Timestamp> + Clone {
    select(TIMES).prop_map(Timestamp::from_micros)
}

/// A random record that is not stored yet.
pub(super) fn sample() -> impl Strategy<Value = Sample> {
    let plain = (any::<bool>(), 0..3u8, of(select(NUMBERS)), 0..4u64, select(FLOATS));
    let more = (of(select(FLOATS)), time(), of(time()), of(text()), of(text()));
    let unique = ("[a-z]{1,2}", of(0..40u64), text(), of(0..8u64));
    let many = (vec(text(), 0..3), vec(text(), 0..3), vec(select(WORDS), 0..3));
    (plain, more, unique, many).prop_map(|(plain, more, unique, many)| Sample {
        id: 0,
        version: 0,
        created_at: Timestamp::default(),
        updated_at: Timestamp::default(),
        flag: plain.0,
        color: plain.1,
        rank: plain.2,
        level: plain.3,
        score: plain.4,
        heat: more.0,
        seen: more.1,
        due: more.2,
        name: more.3,
        owner: more.4,
        code: unique.0,
        serial: unique.1,
        site: unique.2,
        slot: unique.3,
        labels: many.0,
        aliases: many.1,
        words: many.2.into_iter().map(str::to_owned).collect(),
        plain: plain.3 % 2,
    })
}

/// A record without any collision in its unique indexes, of number `n`.
pub(super) fn distinct(n: u64, mut sample: Sample) -> Sample {
    sample.code = format!("code-{n:06}");
    sample.serial = sample.serial.map(|_| n);
    sample.slot = sample.slot.map(|_| n);
    sample
}
