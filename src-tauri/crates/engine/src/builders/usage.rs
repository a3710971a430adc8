//! What `docker buildx du --verbose` and `prune` say. Sizes are words there, rounded to four digits.

use crate::text;
use crate::wire::{BuilderUsage, CacheEntry};

/// Most entries that are told.
const MAX_ENTRIES: usize = 100;

/// Reads a size such as `301.1MB`; units are powers of 1000.
pub(super) fn bytes(text: &str) -> Option<u64> {
    let text = text.trim().trim_end_matches('*');
    let unit_at = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (number, unit) = text.split_at(unit_at);
    let factor = match unit.trim() {
        "B" => 1.0,
        "kB" | "KB" => 1e3,
        "MB" => 1e6,
        "GB" => 1e9,
        "TB" => 1e12,
        "PB" => 1e15,
        _ => return None,
    };
    let number: f64 = number.parse().ok()?;
    Some((number * factor).round() as u64)
}

/// Reads what a prune freed from its last line.
pub(super) fn freed(text: &str) -> Option<u64> {
    let last = text.lines().rev().find_map(|line| line.strip_prefix("Total:"));
    last.and_then(bytes)
}

/// Reads `du --verbose`: blocks of `Name:` and value, then sums.
pub(super) fn usage(builder: &str, text: &str) -> BuilderUsage {
    let mut entries: Vec<CacheEntry> = Vec::new();
    let mut total = None;
    // Lines of the entry's parents and such have no name of ours and are passed over.
    for (name, value) in text.lines().filter_map(|line| line.split_once(':')) {
        let value = value.trim();
        match (name, entries.last_mut()) {
            ("ID", _) => entries.push(CacheEntry {
                id: value.to_owned(),
                kind: "regular".to_owned(),
                bytes: 0,
                description: String::new(),
                shared: false,
                reclaimable: false,
                last_used: None,
            }),
            ("Total", _) => total = bytes(value),
            ("Size", Some(entry)) => entry.bytes = bytes(value).unwrap_or(0),
            ("Reclaimable", Some(entry)) if matches!(value, "true" | "false") => {
                entry.reclaimable = value == "true";
            }
            ("Shared", Some(entry)) if matches!(value, "true" | "false") => entry.shared = value == "true",
            ("Description", Some(entry)) => entry.description = text::sentence(value),
            ("Last used", Some(entry)) => entry.last_used = Some(text::one_line(value)),
            ("Type", Some(entry)) => entry.kind = text::one_line(value),
            _ => {}
        }
    }
    let prunable = |entry: &&CacheEntry| {
        entry.reclaimable && !entry.shared && !matches!(&*entry.kind, "internal" | "frontend")
    };
    let sum = |all: &mut dyn Iterator<Item = &CacheEntry>| {
        all.fold((0, 0), |(records, bytes), entry| {
            (records + 1, bytes + entry.bytes)
        })
    };
    let (records, all_bytes) = sum(&mut entries.iter());
    let (reclaimable_records, reclaimable_bytes) = sum(&mut entries.iter().filter(|entry| entry.reclaimable));
    let (prunable_records, prunable_bytes) = sum(&mut entries.iter().filter(prunable));
    entries.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.id.cmp(&b.id)));
    entries.truncate(MAX_ENTRIES);
    BuilderUsage {
        builder: builder.to_owned(),
        total_bytes: total.unwrap_or(all_bytes),
        reclaimable_bytes,
        prunable_bytes,
        records,
        reclaimable_records,
        prunable_records,
        entries,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DU: &str = "\
ID:\t\tsmall
Parents:
 - a
 - b
Created at:\t2026-11-21 09:39:04.495373562 +0000 UTC
Mutable:\tfalse
Reclaimable:\ttrue
Shared:\t\ttrue
Size:\t\t4.096kB
Description:\tmount / from exec /bin/sh -c echo a: b
Usage count:\t1
Last used:\t2 hours ago
Type:\t\tregular

ID:\t\tlarge
Created at:\t2026-11-21 09:39:04.495373562 +0000 UTC
Mutable:\ttrue
Reclaimable:\ttrue
Shared:\t\tfalse
Size:\t\t301.1MB
Description:\tlocal source for context
Usage count:\t3
Last used:\tAbout an hour ago
Type:\t\tsource.local

ID:\t\tused
Reclaimable:\tfalse
Shared:\t\tfalse
Size:\t\t1GB
Type:\t\tregular

ID:\t\tfrontend
Reclaimable:\ttrue
Shared:\t\tfalse
Size:\t\t10MB
Type:\t\tfrontend

Shared:\t\t4.096kB
Private:\t1.311GB
Reclaimable:\t311.1MB
Total:\t\t1.311GB
";

    #[test]
    fn sizes_are_read_in_every_unit() {
        let all = [
            ("0B", 0),
            ("4.096kB", 4_096),
            ("301.1MB", 301_100_000),
            ("1.5GB", 1_500_000_000),
        ];
        for (text, expected) in all {
            assert_eq!(bytes(text), Some(expected), "{text}");
        }
        for text in ["", "MB", "1", "1XB", "-1B"] {
            assert_eq!(bytes(text), None, "{text:?}");
        }
    }

    #[test]
    fn disk_use_says_what_each_prune_would_free() {
        let usage = usage("b", DU);
        assert_eq!((usage.records, usage.total_bytes), (4, 1_311_000_000));
        assert_eq!(
            (usage.reclaimable_records, usage.reclaimable_bytes),
            (3, 311_104_096)
        );
        assert_eq!(
            (usage.prunable_records, usage.prunable_bytes),
            (1, 301_100_000),
            "what images share, frontends and what is in use stay"
        );
        let ids: Vec<&str> = usage.entries.iter().map(|entry| entry.id.as_str()).collect();
        assert_eq!(ids, ["used", "large", "frontend", "small"], "largest first");
        let small = &usage.entries[3];
        assert_eq!(small.description, "mount / from exec /bin/sh -c echo a: b");
        assert_eq!(small.last_used.as_deref(), Some("2 hours ago"));
        assert!(small.shared && small.reclaimable, "the sums are not an entry's");
    }

    #[test]
    fn an_empty_cache_is_no_trouble() {
        let usage = usage("b", "Reclaimable:\t0B\nTotal:\t\t0B\n");
        assert_eq!((usage.records, usage.total_bytes), (0, 0));
    }

    #[test]
    fn the_bytes_a_prune_freed_stand_in_its_last_line() {
        let said =
            "ID\tRECLAIMABLE\tSIZE\tLAST ACCESSED\nabc*\ttrue\t4.096kB\t3 hours ago\nTotal:\t4.096kB\n";
        assert_eq!(freed(said), Some(4_096));
        assert_eq!(freed("Total:\t0B"), Some(0));
        assert_eq!(freed("nothing"), None);
    }
}
