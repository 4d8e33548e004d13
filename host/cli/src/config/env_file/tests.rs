use super::*;

/// Files with the variables that dotenv 16.6.1 (node) and `dotenv_values` of python-dotenv 1.2.2, in an empty
/// environment, read from them.
const CORPUS: &str = include_str!("corpus.json");

/// What stands for python-dotenv's `None`, the value of a line without `=`.
const NONE: &str = "(none)";

struct Case {
    text: String,
    dotenv: BTreeMap<String, String>,
    python: BTreeMap<String, String>,
}

fn corpus() -> Vec<Case> {
    let cases: serde_json::Value = serde_json::from_str(CORPUS).unwrap();
    let variables = |value: &serde_json::Value| {
        let pairs = value.as_object().unwrap().iter();
        pairs
            .map(|(key, value)| (key.clone(), value.as_str().unwrap_or(NONE).to_owned()))
            .collect()
    };
    let case = |case: &serde_json::Value| Case {
        text: case["text"].as_str().unwrap().to_owned(),
        dotenv: variables(&case["dotenv"]),
        python: variables(&case["python"]),
    };
    cases.as_array().unwrap().iter().map(case).collect()
}

fn parse(text: impl AsRef<[u8]>) -> (BTreeMap<String, String>, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(".env");
    std::fs::write(&path, text).unwrap();
    let (mut variables, mut mistakes) = (BTreeMap::new(), Vec::new());
    read(&path, &mut variables, &mut mistakes);
    let folder = format!("{}/", folder.path().display());
    let mistakes = mistakes.iter().map(|text| text.replace(&folder, ""));
    (variables, mistakes.collect())
}

/// The value of the only variable.
fn value(text: &str) -> String {
    let (variables, mistakes) = parse(text);
    assert_eq!(
        (variables.len(), mistakes.len()),
        (1, 0),
        "{text:?}: {variables:?} {mistakes:?}"
    );
    variables.into_values().next().unwrap()
}

#[test]
fn corpus_what_both_libraries_agree_on_is_read_alike() {
    let mut agreed = 0;
    for case in corpus() {
        let (variables, mistakes) = parse(&case.text);
        if case.dotenv != case.python {
            let either = mistakes.is_empty();
            assert!(
                !either || !variables.is_empty() || case.text == "A",
                "{:?}",
                case.text
            );
            continue;
        }
        agreed += 1;
        if case.dotenv.is_empty() && !case.text.trim().is_empty() {
            // Both libraries ignore a line that does not have the format.
            assert_eq!(mistakes.len(), 1, "{:?}", case.text);
        } else {
            assert_eq!(
                (&variables, mistakes.len()),
                (&case.dotenv, 0),
                "{:?}",
                case.text
            );
        }
    }
    assert!(agreed > 80, "{agreed}");
}

#[test]
fn where_the_libraries_differ_the_documented_one_is_followed() {
    for (text, expected) in [
        // python-dotenv
        ("A=a#b", "a#b"),
        ("A=#fff", "#fff"),
        ("A=postgres://h/db#x", "postgres://h/db#x"),
        (r"A='it\'s'", "it's"),
        (r#"A="say \"hi\"""#, "say \"hi\""),
        (r#"A="tab\tx""#, "tab\tx"),
        (r#"A="C:\\new""#, r"C:\new"),
        (r"A='C:\\new'", r"C:\new"),
        ("A=${NO_SUCH_VARIABLE}", ""),
        ("A=${NO_SUCH_VARIABLE:-a b}", "a b"),
        (r#"A="x${NO_SUCH_VARIABLE:-y}z""#, "xyz"),
        // node's dotenv
        ("A= # comment", ""),
        ("A=`it's \"x\"`", "it's \"x\""),
        ("A=`one\ntwo`", "one\ntwo"),
        ("A='${NO_SUCH_VARIABLE}'", "${NO_SUCH_VARIABLE}"),
        ("\u{feff}A=1", "1"),
        // both, in spite of the backslash
        (r"A='C:\folder\'", r"C:\folder\"),
        ("A=\"C:\\dir\\\" # comment\nA=${A}", "C:\\dir\\"),
    ] {
        assert_eq!(value(text), expected, "{text:?}");
    }
}

#[test]
fn values_of_earlier_lines_files_and_the_host_can_be_used() {
    let (mut variables, mut mistakes) = (BTreeMap::new(), Vec::new());
    variables.insert("EARLIER".to_owned(), "file".to_owned());
    let text = "A=1\nB=${A}${EARLIER}\nC=${PATH}\nD=$A $HOME_DIR pa$$word";
    read_text(text, Path::new(".env"), &mut variables, &mut mistakes);
    assert_eq!(mistakes, Vec::<String>::new());
    assert_eq!(variables["B"], "1file");
    assert_eq!(variables["C"], std::env::var("PATH").unwrap());
    assert_eq!(variables["D"], "$A $HOME_DIR pa$$word");
}

#[test]
fn mistakes_are_reported_by_line_and_without_the_content() {
    let (variables, mistakes) = parse(concat!(
        "GOOD=1\n\n# comment\nAWS_REGION=x\nLONG=\"a\nb\"\nsecret words\n",
        "export AWS_SESSION_TOKEN=\"a\nb\"\nA='secret' 'b'\nse cret=1\nNUL=\"\0\"\nOPEN='secret\n",
    ));
    assert_eq!(variables.len(), 2);
    let lines: Vec<_> = mistakes
        .iter()
        .map(|mistake| mistake.split(": ").next().unwrap())
        .collect();
    assert_eq!(
        lines,
        [
            ".env:4", ".env:7", ".env:8", ".env:10", ".env:11", ".env:12", ".env:13"
        ],
        "{mistakes:?}"
    );
    assert!(mistakes[0].contains("AWS_REGION is reserved by Lambda"));
    assert!(!mistakes.concat().contains("secret"), "{mistakes:?}");
}

#[test]
fn a_file_in_utf_16_is_read_and_another_encoding_named() {
    let utf_16: Vec<u8> = "\u{feff}A=é"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    assert_eq!(parse(utf_16).0["A"], "é");
    let (_, mistakes) = parse(b"A=1\nB=\xe9");
    assert!(
        mistakes[0].starts_with(".env is not UTF-8: the byte 0xe9 in line 2"),
        "{mistakes:?}"
    );
}

#[test]
fn a_missing_file_is_named() {
    let (mut variables, mut mistakes) = (BTreeMap::new(), Vec::new());
    read(Path::new("/no/such/.env"), &mut variables, &mut mistakes);
    assert!(mistakes[0].starts_with("cannot read /no/such/.env: No such file"));
}
