use std::path::Path;

use super::*;
use crate::file::Files;

fn parse(text: &str) -> Document {
    let mut files = Files::default();
    let file = files.add(Path::new("lambkin.toml"), text.to_owned());
    Document::parse(file, text).unwrap()
}

fn without_places(table: &Table) -> Table {
    let mut bare = Table::default();
    for (key, entry) in table.iter() {
        bare.set(key, item_without_places(&entry.item), None);
    }
    bare
}

fn item_without_places(item: &Item) -> Item {
    match item {
        Item::Table(table) => Item::Table(without_places(table)),
        Item::List(items) => Item::List(items.iter().map(item_without_places).collect()),
        item => item.clone(),
    }
}

#[test]
fn what_is_printed_is_read_back() {
    let mut document = Document::default();
    document.root.set("region", "eu-west-1", None);
    let function = document.root.table("functions").table("a b\"c");
    function.set("handler", "x\\y\n\u{7}é", None);
    function.set("timeout", 3, None);
    function.table("environment").set("A.B", "=#'", None);
    let mut route = Table::default();
    route.set("route", "GET /{id}", None);
    route.set("scopes", vec!["a", "b"], None);
    let api = document.root.table("triggers").table("web");
    api.set("routes", Item::List(vec![Item::Table(route)]), None);
    api.set("empty", Table::default(), None);
    api.set("f", Item::Float(1.5), None);
    let printed = document.print();
    let read = parse(&printed.text);
    assert_eq!(
        without_places(&read.root),
        without_places(&document.root),
        "{}",
        printed.text
    );
}

#[test]
fn parts_know_where_they_come_from() {
    let mut files = Files::default();
    let file = files.add(Path::new("t"), String::new());
    let place = |line| Place {
        file,
        line,
        column: 1,
    };
    let mut document = Document::default();
    let mut function = Table::default();
    function.set("code", ".", None);
    function.set("handler", "a.b", place(2));
    document
        .root
        .table("functions")
        .set("x", function, place(1));
    let printed = document.print();
    let at = |part: &str| {
        printed
            .place_at(printed.text.find(part).unwrap())
            .map(|place| place.line)
    };
    assert_eq!(
        (at("code"), at("handler"), at("a.b")),
        (Some(1), Some(2), Some(2))
    );
}

#[test]
fn a_document_lies_over_another() {
    let mut below = parse("a = 1\n[functions.x]\ntimeout = 3\nhandler = \"h\"\nlayers = [\"a\"]\n");
    below.merge(parse(
        "[functions.x]\ntimeout = 9\nlayers = []\n[functions.y]\ncode = \".\"\n",
    ));
    let printed = below.print().text;
    assert_eq!(
        printed,
        "a = 1\n\n[functions.x]\ntimeout = 9\nhandler = \"h\"\nlayers = []\n\n[functions.y]\ncode = \".\"\n"
    );
}

#[test]
fn what_is_not_toml_has_a_place() {
    let mut files = Files::default();
    let file = files.add(Path::new("lambkin.toml"), String::new());
    let (place, _) = Document::parse(file, "a = 1\nb = \n").unwrap_err();
    assert_eq!((place.line, place.column), (2, 5));
}
