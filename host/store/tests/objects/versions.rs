//! Versions, delete markers, and the version without an id.

use super::*;

/// Keys and versions as they are listed, with `*` for the latest and `-` for a delete marker.
async fn listed(fixture: &Fixture, names: &[(&str, &str)]) -> Vec<String> {
    let query = Query {
        max: 100,
        ..Query::default()
    };
    let all = fixture.objects.versions("b", query).await.unwrap().objects;
    let name = |info: &ObjectInfo| {
        let version = info.version.as_deref().unwrap_or("null");
        let name = names
            .iter()
            .find(|(_, id)| *id == version)
            .map_or(version, |(name, _)| name);
        format!(
            "{}={name}{}{}",
            info.key,
            if info.latest { "*" } else { "" },
            if info.delete_marker { "-" } else { "" }
        )
    };
    all.iter().map(name).collect()
}

#[tokio::test]
async fn versions_are_kept_and_hidden_by_delete_markers_until_those_are_removed() {
    let fixture = Fixture::new().await;
    fixture.put("k", "unversioned").await;
    fixture.keep_versions(Versioning::On).await;
    let one = fixture.put("k", "one").await.version.unwrap();
    let two = fixture.put("k", "two").await.version.unwrap();
    assert!(one.len() == 32 && one < two, "{one} {two}");
    let names = [("one", one.as_str()), ("two", two.as_str())];
    assert_eq!(
        listed(&fixture, &names).await,
        ["k=two*", "k=one", "k=null"]
    );
    for (version, bytes) in [
        (None, "two"),
        (Some(one.as_str()), "one"),
        (Some("null"), "unversioned"),
    ] {
        assert_eq!(fixture.get_version("k", version).await.unwrap(), bytes);
    }

    let marked = fixture.remove("k", None).await;
    let delete_marker = marked.version.clone().unwrap();
    assert!(marked.existed && marked.delete_marker);
    assert_eq!(fixture.get("k").await, Err(ObjectError::Missing));
    assert!(
        fixture
            .objects
            .describe("b", "k", None)
            .await
            .unwrap()
            .delete_marker
    );
    assert!(
        fixture
            .objects
            .open("b", "k", Some(&delete_marker))
            .await
            .unwrap()
            .info()
            .delete_marker
    );
    assert_eq!(fixture.keys().await.len(), 0);
    assert_eq!(fixture.get_version("k", Some(&two)).await.unwrap(), "two");
    let again = fixture.remove("k", None).await;
    assert!(
        !again.existed && again.delete_marker,
        "another delete marker"
    );
    fixture.remove("k", again.version.as_deref()).await;

    let unmarked = fixture.remove("k", Some(&delete_marker)).await;
    assert_eq!(
        (unmarked.existed, unmarked.delete_marker, unmarked.version),
        (true, true, Some(delete_marker))
    );
    assert_eq!(fixture.get("k").await.unwrap(), "two");
    assert!(fixture.remove("k", Some(&two)).await.existed);
    assert_eq!(
        fixture.get("k").await.unwrap(),
        "one",
        "the previous version is the latest"
    );
    assert_eq!(listed(&fixture, &names).await, ["k=one*", "k=null"]);
    assert!(!fixture.remove("k", Some(&two)).await.existed);
    // An id that starts with a number that the store has not reached.
    for never in ["nonsense", "HPniJFCxqTsMuIH9KX8K8wEjNUgmABCD"] {
        let refused = ObjectError::Invalid(format!("no version ever had the id {never:?}"));
        assert_eq!(
            fixture.get_version("k", Some(never)).await,
            Err(refused.clone())
        );
        let remove = (fixture.objects).remove("b", "k", Some(never), Condition::Always, None);
        assert_eq!(remove.await, Err(refused));
    }
    assert_eq!(
        fixture.get_version("other", Some(&one)).await,
        Err(ObjectError::Missing)
    );
    fixture.remove("k", Some(&one)).await;
    assert_eq!(fixture.get("k").await.unwrap(), "unversioned");
    fixture.remove("k", Some("null")).await;
    assert_eq!(
        (listed(&fixture, &names).await.len(), fixture.files().len()),
        (0, 0)
    );
}

#[tokio::test]
async fn while_versioning_is_suspended_the_version_without_an_id_is_replaced() {
    let fixture = Fixture::new().await;
    fixture.keep_versions(Versioning::On).await;
    let kept = fixture.put("k", "kept").await.version.unwrap();
    fixture.keep_versions(Versioning::Suspended).await;
    let names = [("kept", kept.as_str())];
    assert_eq!(fixture.put("k", "first").await.version, None);
    fixture.put("k", "second").await;
    assert_eq!(listed(&fixture, &names).await, ["k=null*", "k=kept"]);
    assert_eq!(fixture.files().len(), 2, "the first file was deleted");
    let removed = fixture.remove("k", None).await;
    assert_eq!(
        (removed.existed, removed.version, removed.delete_marker),
        (true, None, true)
    );
    assert_eq!(listed(&fixture, &names).await, ["k=null*-", "k=kept"]);
    fixture.keep_versions(Versioning::On).await;
    fixture.put("k", "newest").await;
    fixture.keep_versions(Versioning::Suspended).await;
    fixture.put("k", "null again").await;
    assert_eq!(
        fixture.get("k").await.unwrap(),
        "null again",
        "it is the latest, whatever it replaces"
    );
    fixture.remove("k", Some("null")).await;
    assert_eq!(fixture.get("k").await.unwrap(), "newest");
    let off = fixture
        .objects
        .change("b", Versioning::Off, Vec::new())
        .await;
    assert!(
        matches!(off, Err(ObjectError::Invalid(_))),
        "the other versions are kept"
    );
}

#[tokio::test]
async fn a_condition_applies_to_the_version_that_would_be_removed() {
    let fixture = Fixture::new().await;
    fixture.keep_versions(Versioning::On).await;
    fixture.put("k", "one").await;
    fixture.remove("k", None).await;
    let absent = Put {
        condition: Condition::Absent,
        ..put("two")
    };
    fixture
        .put_with("k", "two", absent)
        .await
        .expect("behind a marker there is no object");
    let wrong = Condition::Matches(vec!["tag of one".to_owned()]);
    let removed = fixture.objects.remove("b", "k", None, wrong, None).await;
    assert_eq!(removed.unwrap_err(), ObjectError::PreconditionFailed);
    assert_eq!(listed(&fixture, &[]).await.len(), 3);
}

#[tokio::test]
async fn a_configuration_turns_versioning_on_and_a_missing_line_does_not_turn_it_off() {
    let fixture = Fixture::new().await;
    let versioning = async || fixture.objects.bucket("b").await.unwrap().versioning;
    for (defined, found) in [
        (Versioning::Off, Versioning::Off),
        (Versioning::On, Versioning::On),
        (Versioning::Off, Versioning::On),
        (Versioning::Suspended, Versioning::Suspended),
    ] {
        fixture.objects.define("b", defined, None).await.unwrap();
        assert_eq!(versioning().await, found);
    }
    fixture
        .objects
        .define("new", Versioning::On, None)
        .await
        .unwrap();
    assert_eq!(
        fixture.objects.bucket("new").await.unwrap().versioning,
        Versioning::On
    );
}
