//! Lists, compared with a naive model on random keys.

use super::*;
use std::collections::BTreeSet;

type Cursor = Option<(String, Option<String>)>;

/// A random number generator with the same sequence on each run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) as usize % sides
    }

    fn word(&mut self, longest: usize) -> String {
        const LETTERS: [&str; 7] = ["a", "b", "/", "\0", "\u{D7FF}", "\u{10FFFF}", "//"];
        let length = self.roll(longest + 1);
        (0..length)
            .map(|_| LETTERS[self.roll(LETTERS.len())])
            .collect()
    }
}

/// What all pages together should contain: keys, and marked prefixes.
fn expected<'k>(keys: impl Iterator<Item = &'k String>, query: &Query) -> Vec<String> {
    let mut found = BTreeSet::new();
    for key in keys {
        let Some(rest) = key.strip_prefix(&query.prefix) else {
            continue;
        };
        let cut = (!query.delimiter.is_empty())
            .then(|| rest.find(&query.delimiter))
            .flatten();
        let name = match cut {
            Some(at) => (
                key[..query.prefix.len() + at + query.delimiter.len()].to_owned(),
                true,
            ),
            None => (key.clone(), false),
        };
        let is_after = query
            .after
            .as_ref()
            .is_none_or(|(after, _)| name.0 > *after && !(name.1 && after.starts_with(&name.0)));
        if is_after {
            found.insert(name);
        }
    }
    found
        .into_iter()
        .map(|(name, cut)| if cut { format!("{name}…") } else { name })
        .collect()
}

/// The content of all pages together, and the number of pages.
async fn pages(fixture: &Fixture, mut query: Query) -> (Vec<String>, usize) {
    let (mut found, mut pages) = (Vec::new(), 0);
    loop {
        let page = fixture.objects.list("b", query.clone()).await.unwrap();
        pages += 1;
        let mut names: Vec<(String, bool)> = page
            .objects
            .into_iter()
            .map(|info| (info.key, false))
            .collect();
        names.extend(
            page.common_prefixes
                .into_iter()
                .map(|prefix| (prefix, true)),
        );
        assert!(names.len() <= query.max);
        names.sort();
        found.extend(
            names
                .into_iter()
                .map(|(name, cut)| if cut { format!("{name}…") } else { name }),
        );
        match page.next {
            Some(next) => query.after = Some(next),
            None => return (found, pages),
        }
    }
}

#[tokio::test]
async fn lists_match_those_of_a_naive_model() {
    let fixture = Fixture::new().await;
    let mut dice = Dice(11);
    let mut keys = BTreeSet::new();
    for _ in 0..300 {
        let key = dice.word(6);
        fixture.put(&key, "x").await;
        keys.insert(key);
    }
    for _ in 0..60 {
        let key = dice.word(6);
        fixture.remove(&key, None).await;
        keys.remove(&key);
    }
    for _ in 0..400 {
        let delimiter = ["", "/", "//", "a", "\u{10FFFF}"][dice.roll(5)];
        let after: Cursor = (dice.roll(2) == 0).then(|| (dice.word(4), None));
        let query = Query {
            prefix: dice.word(2),
            delimiter: delimiter.to_owned(),
            after,
            max: 1 + dice.roll(40),
        };
        let expected = expected(keys.iter(), &query);
        let (found, pages) = pages(&fixture, query.clone()).await;
        assert_eq!(found, expected, "{query:?}");
        assert_eq!(
            pages,
            expected.len().div_ceil(query.max).max(1),
            "no page is short: {query:?}"
        );
    }
}

#[tokio::test]
async fn a_page_with_a_maximum_of_zero_is_empty_and_the_last() {
    let fixture = Fixture::new().await;
    fixture.put("k", "x").await;
    let none = fixture.objects.list("b", Query::default()).await.unwrap();
    assert_eq!(none, lambkin_store::object::Listing::default());
}

#[tokio::test]
async fn a_page_is_limited_in_bytes() {
    let fixture = Fixture::new().await;
    for key in 0..6 {
        let put = Put {
            metadata: vec![("large".to_owned(), "x".repeat(5 << 20))],
            ..put("x")
        };
        fixture.put_with(&key.to_string(), "x", put).await.unwrap();
    }
    let mut query = Query {
        max: 1_000,
        ..Query::default()
    };
    let first = fixture.objects.list("b", query.clone()).await.unwrap();
    assert_eq!(first.objects.len(), 4);
    query.after = first.next;
    let second = fixture.objects.list("b", query.clone()).await.unwrap();
    assert_eq!((second.objects.len(), second.next), (2, None));
    query.after = None;
    let versions = fixture.objects.versions("b", query).await.unwrap();
    assert_eq!(versions.objects.len(), 4);
    assert!(versions.next.is_some());
}

#[tokio::test]
async fn versions_are_listed_by_key_and_newest_first_in_pages() {
    let fixture = Fixture::new().await;
    let mut dice = Dice(5);
    let mut model: Vec<(String, usize, Option<String>)> = Vec::new();
    for age in 0..200 {
        let versioning = [Versioning::On, Versioning::On, Versioning::Suspended][dice.roll(3)];
        fixture.keep_versions(versioning).await;
        let key = dice.word(2);
        let version = if dice.roll(4) == 0 {
            fixture.remove(&key, None).await.version
        } else {
            fixture.put(&key, "x").await.version
        };
        if version.is_none() {
            model.retain(|(other, _, old)| *other != key || old.is_some());
        }
        model.push((key, usize::MAX - age, version));
    }
    model.sort();
    for (delimiter, prefix) in [("", ""), ("/", ""), ("", "a"), ("b", "a"), ("/", "/")] {
        for max in [1, 3, 1000] {
            let mut query = Query {
                prefix: prefix.to_owned(),
                delimiter: delimiter.to_owned(),
                after: None,
                max,
            };
            let mut found = Vec::new();
            loop {
                let page = fixture.objects.versions("b", query.clone()).await.unwrap();
                assert!(page.objects.len() + page.common_prefixes.len() <= max);
                found.extend(
                    page.objects
                        .into_iter()
                        .map(|info| (info.key, info.version)),
                );
                found.extend(
                    page.common_prefixes
                        .into_iter()
                        .map(|prefix| (prefix, Some("…".to_owned()))),
                );
                let Some(next) = page.next else { break };
                query.after = Some(next);
            }
            let mut expected = Vec::new();
            for (key, _, version) in &model {
                let Some(rest) = key.strip_prefix(prefix) else {
                    continue;
                };
                let cut = (!delimiter.is_empty())
                    .then(|| rest.find(delimiter))
                    .flatten();
                let entry = match cut {
                    Some(at) => (
                        key[..prefix.len() + at + delimiter.len()].to_owned(),
                        Some("…".to_owned()),
                    ),
                    None => (key.clone(), version.clone()),
                };
                if expected.last() != Some(&entry) {
                    expected.push(entry);
                }
            }
            if max > 1 {
                // A page lists prefixes apart from versions.
                found.sort();
                expected.sort();
            }
            assert_eq!(found, expected, "{prefix:?} {delimiter:?} {max}");
        }
    }
}

#[tokio::test]
async fn a_list_of_versions_continues_after_a_deleted_version() {
    let fixture = Fixture::new().await;
    fixture.keep_versions(Versioning::On).await;
    for _ in 0..5 {
        fixture.put("k", "x").await;
    }
    fixture.put("l", "x").await;
    let (mut after, mut removed) = (None, 0);
    loop {
        let query = Query {
            max: 2,
            after,
            ..Query::default()
        };
        let page = fixture.objects.versions("b", query).await.unwrap();
        for info in page.objects {
            assert!(
                fixture
                    .remove(&info.key, info.version.as_deref())
                    .await
                    .existed
            );
            removed += 1;
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(removed, 6);
}

#[tokio::test]
async fn without_a_version_a_list_of_versions_continues_with_the_next_key() {
    let fixture = Fixture::new().await;
    fixture.keep_versions(Versioning::On).await;
    for key in ["k", "k", "l"] {
        fixture.put(key, "x").await;
    }
    let query = Query {
        max: 9,
        after: Some(("k".to_owned(), None)),
        ..Query::default()
    };
    let page = fixture.objects.versions("b", query).await.unwrap();
    assert_eq!(page.objects.len(), 1);
    assert_eq!(page.objects[0].key, "l");
}
