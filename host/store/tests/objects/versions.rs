//! Versions, delete markers, and the version that a bucket has while it keeps none.

use super::*;

/// Keys and versions with `*` for the latest and `-` for a marker, as they are listed.
async fn listed(house: &House, names: &[(&str, &str)]) -> Vec<String> {
    let query = Query {
        max: 100,
        ..Query::default()
    };
    let all = house.objects.versions("b", query).await.unwrap().objects;
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
async fn versions_are_kept_hidden_by_markers_and_come_back() {
    let house = House::new().await;
    house.put("k", "unversioned").await;
    house.keep_versions(Versioning::On).await;
    let one = house.put("k", "one").await.version.unwrap();
    let two = house.put("k", "two").await.version.unwrap();
    assert!(one.len() == 32 && one < two, "{one} {two}");
    let names = [("one", one.as_str()), ("two", two.as_str())];
    assert_eq!(listed(&house, &names).await, ["k=two*", "k=one", "k=null"]);
    for (version, bytes) in [
        (None, "two"),
        (Some(one.as_str()), "one"),
        (Some("null"), "unversioned"),
    ] {
        assert_eq!(house.get_version("k", version).await.unwrap(), bytes);
    }

    let marked = house.remove("k", None).await;
    let delete_marker = marked.version.clone().unwrap();
    assert!(marked.existed && marked.delete_marker);
    assert_eq!(house.get("k").await, Err(ObjectError::Missing));
    assert!(
        house
            .objects
            .describe("b", "k", None)
            .await
            .unwrap()
            .delete_marker
    );
    assert!(
        house
            .objects
            .open("b", "k", Some(&delete_marker))
            .await
            .unwrap()
            .info()
            .delete_marker
    );
    assert_eq!(house.keys().await.len(), 0);
    assert_eq!(house.get_version("k", Some(&two)).await.unwrap(), "two");
    let again = house.remove("k", None).await;
    assert!(!again.existed && again.delete_marker, "another marker");
    house.remove("k", again.version.as_deref()).await;

    let unmarked = house.remove("k", Some(&delete_marker)).await;
    assert_eq!(
        (unmarked.existed, unmarked.delete_marker, unmarked.version),
        (true, true, Some(delete_marker))
    );
    assert_eq!(house.get("k").await.unwrap(), "two");
    assert!(house.remove("k", Some(&two)).await.existed);
    assert_eq!(
        house.get("k").await.unwrap(),
        "one",
        "the one before is the latest"
    );
    assert_eq!(listed(&house, &names).await, ["k=one*", "k=null"]);
    assert!(!house.remove("k", Some(&two)).await.existed);
    assert_eq!(
        house.get_version("k", Some("nonsense")).await,
        Err(ObjectError::Missing)
    );
    assert_eq!(
        house.get_version("other", Some(&one)).await,
        Err(ObjectError::Missing)
    );
    house.remove("k", Some(&one)).await;
    assert_eq!(house.get("k").await.unwrap(), "unversioned");
    house.remove("k", Some("null")).await;
    assert_eq!(
        (listed(&house, &names).await.len(), house.files().len()),
        (0, 0)
    );
}

#[tokio::test]
async fn while_versions_are_suspended_one_without_an_id_is_replaced() {
    let house = House::new().await;
    house.keep_versions(Versioning::On).await;
    let kept = house.put("k", "kept").await.version.unwrap();
    house.keep_versions(Versioning::Suspended).await;
    let names = [("kept", kept.as_str())];
    assert_eq!(house.put("k", "first").await.version, None);
    house.put("k", "second").await;
    assert_eq!(listed(&house, &names).await, ["k=null*", "k=kept"]);
    assert_eq!(house.files().len(), 2, "the first is gone");
    let removed = house.remove("k", None).await;
    assert_eq!(
        (removed.existed, removed.version, removed.delete_marker),
        (true, None, true)
    );
    assert_eq!(listed(&house, &names).await, ["k=null*-", "k=kept"]);
    house.keep_versions(Versioning::On).await;
    house.put("k", "newest").await;
    house.keep_versions(Versioning::Suspended).await;
    house.put("k", "null again").await;
    assert_eq!(
        house.get("k").await.unwrap(),
        "null again",
        "it is the latest, whatever it replaces"
    );
    house.remove("k", Some("null")).await;
    assert_eq!(house.get("k").await.unwrap(), "newest");
    let off = house.objects.change("b", Versioning::Off, Vec::new()).await;
    assert!(
        matches!(off, Err(ObjectError::Invalid(_))),
        "kept versions stay"
    );
}

#[tokio::test]
async fn a_condition_is_about_what_it_would_change() {
    let house = House::new().await;
    house.keep_versions(Versioning::On).await;
    house.put("k", "one").await;
    house.remove("k", None).await;
    let absent = Put {
        condition: Condition::Absent,
        ..put("two")
    };
    house
        .put_with("k", "two", absent)
        .await
        .expect("behind a marker there is no object");
    let wrong = Condition::Matches(vec!["tag of one".to_owned()]);
    let removed = house.objects.remove("b", "k", None, wrong, None).await;
    assert_eq!(removed.unwrap_err(), ObjectError::PreconditionFailed);
    assert_eq!(listed(&house, &[]).await.len(), 3);
}

#[tokio::test]
async fn a_configuration_turns_versions_on_and_a_missing_line_does_not_turn_them_off() {
    let house = House::new().await;
    let versioning = async || house.objects.bucket("b").await.unwrap().versioning;
    for (defined, found) in [
        (Versioning::Off, Versioning::Off),
        (Versioning::On, Versioning::On),
        (Versioning::Off, Versioning::On),
        (Versioning::Suspended, Versioning::Suspended),
    ] {
        house.objects.define("b", defined, None).await.unwrap();
        assert_eq!(versioning().await, found);
    }
    house
        .objects
        .define("new", Versioning::On, None)
        .await
        .unwrap();
    assert_eq!(
        house.objects.bucket("new").await.unwrap().versioning,
        Versioning::On
    );
}
