//! Images of a registry that is made here: it speaks as much of the protocol as is needed, and has the faults that a
//! test wants.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use super::made::{Made, Place, Tar, gzip, listing};
use crate::digest::Digest;
use crate::{Image, ImageError, Lock, Source, open};

/// What a registry has and has been asked for.
#[derive(Default)]
struct State {
    /// By path, without `/v2/team/app/`.
    content: BTreeMap<String, Vec<u8>>,
    /// The lines of the requests and their headers `Authorization` and `Range`.
    requests: Vec<String>,
    /// Requests for layers end after this many bytes.
    cut_at: Option<usize>,
    /// The header that requests must have, and the challenge otherwise.
    wanted: Option<(String, String)>,
    /// Where layers are instead.
    redirect: Option<String>,
    /// Where tokens are instead.
    token_redirect: Option<String>,
}

struct Registry {
    address: String,
    state: Arc<Mutex<State>>,
}

impl Registry {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        // Ends with the test's process.
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                answer(stream.unwrap(), &shared);
            }
        });
        Self { address, state }
    }

    fn push(&self, tag: &str, made: &Made) -> Digest {
        let manifest = serde_json::to_vec(&made.manifest()).unwrap();
        let digest = Digest::of(&manifest);
        let mut state = self.state.lock().unwrap();
        for content in made.stored.iter().chain([&made.document()]) {
            let path = format!("blobs/{}", Digest::of(content));
            state.content.insert(path, content.clone());
        }
        for name in [tag.to_owned(), digest.to_string()] {
            state
                .content
                .insert(format!("manifests/{name}"), manifest.clone());
        }
        digest
    }

    fn reference(&self, rest: &str) -> Source {
        let text = format!("{}/team/app{rest}", self.address);
        Source::parse(&text, "/nowhere".as_ref()).unwrap()
    }

    fn requests(&self) -> Vec<String> {
        std::mem::take(&mut self.state.lock().unwrap().requests)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().unwrap());
    }
}

fn answer(mut stream: TcpStream, state: &Mutex<State>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut first = String::new();
    reader.read_line(&mut first).unwrap();
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            break;
        };
        headers.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    let mut body = vec![
        0;
        headers
            .get("content-length")
            .map_or(0, |it| it.parse().unwrap())
    ];
    reader.read_exact(&mut body).unwrap();
    let header = |name: &str| headers.get(name).cloned().unwrap_or_default();
    let path = first.split(' ').nth(1).unwrap().to_owned();
    let mut state = state.lock().unwrap();
    let seen = [
        path.clone(),
        header("authorization"),
        header("range"),
        String::from_utf8(body).unwrap(),
    ];
    state.requests.push(seen.join(" ").trim_end().to_owned());
    let mut respond = |status: &str, headers: &str, body: &[u8], sent: usize| {
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n{headers}\r\n",
            body.len()
        );
        // The client may have gone.
        let _ = stream.write_all(head.as_bytes());
        let _ = stream.write_all(&body[..sent.min(body.len())]);
    };
    if path.starts_with("/token")
        && let Some(redirect) = &state.token_redirect
    {
        let headers = format!("Location: {redirect}{path}\r\n");
        return respond("307 Temporary Redirect", &headers, b"", 0);
    }
    if path.starts_with("/token") {
        return respond("200 OK", "", br#"{"token":"t0k3n"}"#, usize::MAX);
    }
    if let Some((wanted, challenge)) = &state.wanted
        && header("authorization") != *wanted
        && path.starts_with("/v2/")
    {
        let headers = format!("WWW-Authenticate: {challenge}\r\n");
        return respond(
            "401 Unauthorized",
            &headers,
            br#"{"errors":[{"message":"who are you?"}]}"#,
            usize::MAX,
        );
    }
    let name = path
        .rsplit_once("/team/app/")
        .map_or(path.as_str(), |(_, name)| name);
    let is_layer = name.starts_with("blobs/") && !state.content[name].starts_with(b"{");
    if is_layer && let Some(redirect) = state.redirect.take() {
        return respond(
            "307 Temporary Redirect",
            &format!("Location: {redirect}{path}\r\n"),
            b"",
            0,
        );
    }
    let Some(content) = state.content.get(name) else {
        return respond(
            "404 Not Found",
            "",
            br#"{"errors":[{"code":"MANIFEST_UNKNOWN"}]}"#,
            usize::MAX,
        );
    };
    let range = header("range");
    let from = range
        .strip_prefix("bytes=")
        .and_then(|it| it.strip_suffix('-'));
    let from = from.map(|from| from.parse::<usize>().unwrap());
    let rest = &content[from.unwrap_or(0)..];
    let sent = state.cut_at.filter(|_| is_layer).unwrap_or(usize::MAX);
    let status = if from.is_some() {
        "206 Partial Content"
    } else {
        "200 OK"
    };
    respond(status, "", rest, sent);
}

fn image(content: &str) -> Made {
    Made::new([Tar::default().file("a", content)]).compressed(0, gzip)
}

fn pull(place: &Place, source: &Source, lock: Option<&Lock>) -> Result<Image, ImageError> {
    open(source, &place.cache(), lock)
}

/// The files of downloads that have been kept, without locks.
fn kept(place: &Place) -> Vec<PathBuf> {
    let files = fs::read_dir(place.cache().join("images-1/downloads")).unwrap();
    let files = files.map(|file| file.unwrap().path());
    files
        .filter(|path| path.extension().is_none_or(|it| it != "lock"))
        .collect()
}

#[test]
fn a_tag_means_the_image_of_the_lock_until_it_is_forgotten() {
    let (place, registry) = (Place::new(), Registry::start());
    let file = place.at("lambkin.lock");
    let lock = Lock::load(&file).unwrap();
    let digest = registry.push("1", &image("old"));
    let source = registry.reference(":1");
    let first = pull(&place, &source, Some(&lock)).unwrap();
    assert_eq!(listing(&first), ["a=old"]);
    assert_eq!(first.digest, image("old").id());
    let text = fs::read_to_string(&file).unwrap();
    assert!(
        text.contains(&format!(
            "\"{}/team/app:1\" = \"{digest}\"",
            registry.address
        )),
        "{text}"
    );
    assert_eq!(
        registry.requests().len(),
        3,
        "a manifest, a configuration and a layer"
    );
    assert_eq!(kept(&place).len(), 2, "no layer");

    registry.push("1", &image("new"));
    let lock = Lock::load(&file).unwrap();
    assert_eq!(
        listing(&pull(&place, &source, Some(&lock)).unwrap()),
        ["a=old"]
    );
    assert!(registry.requests().is_empty());
    // Another machine, with the same lock.
    let elsewhere = Place::new();
    assert_eq!(
        listing(&pull(&elsewhere, &source, Some(&lock)).unwrap()),
        ["a=old"]
    );
    assert!(registry.requests()[0].contains(&digest.to_string()));

    let Source::Registry(reference) = &source else {
        panic!()
    };
    assert!(lock.forget(reference).unwrap());
    assert_eq!(
        listing(&pull(&place, &source, Some(&lock)).unwrap()),
        ["a=new"]
    );
    // A digest in the reference needs no lock.
    let pinned = registry.reference(&format!("@{digest}"));
    assert_eq!(listing(&pull(&place, &pinned, None).unwrap()), ["a=old"]);
}

#[test]
fn a_registry_gets_the_credentials_that_it_asks_for() {
    let (place, registry) = (Place::new(), Registry::start());
    registry.push("1", &image("x"));
    let wants = |header: &str, challenge: &str| {
        registry.change(|state| state.wanted = Some((header.to_owned(), challenge.to_owned())));
    };
    let realm = format!("http://{}/token", registry.address);
    let bearer =
        format!("Bearer realm=\"{realm}\",service=\"a b\",scope=\"repository:team/app:pull\"");
    let Source::Registry(reference) = registry.reference(":1") else {
        panic!()
    };
    let config = place.at("config.json");
    let auth = |content: &str| {
        fs::write(
            &config,
            format!("{{\"auths\":{{\"{}\":{content}}}}}", registry.address),
        )
        .unwrap();
    };
    let get = || {
        let files = vec![config.clone()];
        crate::registry::manifest_with(&reference, files).map_err(|error| error.to_string())
    };

    wants("Bearer t0k3n", &bearer);
    assert!(get().is_ok());
    let requests = registry.requests();
    let token = "/token?service=a%20b&scope=repository%3Ateam%2Fapp%3Apull";
    assert_eq!(requests[1], token, "anonymously");
    assert_eq!(requests[2], "/v2/team/app/manifests/1 Bearer t0k3n");
    auth(r#"{"auth":"dXNlcjpwYXNz"}"#);
    assert!(get().is_ok());
    assert_eq!(
        registry.requests()[1],
        format!("{token} Basic dXNlcjpwYXNz")
    );
    auth(r#"{"identitytoken":"a+b"}"#);
    assert!(get().is_ok());
    let form =
        "/token   grant_type=refresh_token&client_id=lambkin&refresh_token=a%2Bb&service=a%20b";
    assert!(registry.requests()[1].starts_with(form));

    wants("Basic dXNlcjpwYXNz", "Basic realm=x");
    let error = get().unwrap_err();
    assert!(error.contains("401 Unauthorized: who are you?"), "{error}");
    assert!(
        error.contains(&format!("`docker login {}`", registry.address)),
        "{error}"
    );
    auth(r#"{"auth":"dXNlcjpwYXNz"}"#);
    assert!(get().is_ok());

    registry.requests();
    wants("", "Bearer realm=\"http://registry.example.com/token\"");
    registry.change(|state| state.wanted.as_mut().unwrap().0 = "never".to_owned());
    let error = get().unwrap_err();
    assert!(error.contains("which is not an https URL"), "{error}");
    assert_eq!(registry.requests().len(), 1);
}

#[test]
fn a_download_that_breaks_off_is_continued() {
    let (place, registry) = (Place::new(), Registry::start());
    let content: String = (0..3000).map(|number| format!("{number} ")).collect();
    let made = Made::new([Tar::default().file("a", &content)]);
    let length = made.stored[0].len();
    registry.push("1", &made);
    registry.change(|state| state.cut_at = Some(length / 3));
    assert_eq!(
        listing(&pull(&place, &registry.reference(":1"), None).unwrap()),
        [format!("a={content}")]
    );
    let ranges: Vec<_> = registry
        .requests()
        .into_iter()
        .filter(|it| it.contains("bytes="))
        .collect();
    assert!(
        ranges.len() >= 2 && ranges[0].ends_with(&format!("bytes={}-", length / 3)),
        "{ranges:?}"
    );

    // And by the next host, if it was given up.
    let place = Place::new();
    registry.change(|state| state.cut_at = Some(10));
    let error = pull(&place, &registry.reference(":1"), None)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("after 4 attempts: the transfer broke off"),
        "{error}"
    );
    registry.requests();
    registry.change(|state| state.cut_at = None);
    pull(&place, &registry.reference(":1"), None).unwrap();
    assert!(registry.requests().last().unwrap().ends_with("bytes=40-"));
}

#[test]
fn what_a_registry_does_not_have_or_has_changed_is_refused() {
    let (place, registry) = (Place::new(), Registry::start());
    let made = image("x");
    let digest = registry.push("1", &made);
    let error = |rest: &str| {
        pull(&place, &registry.reference(rest), None)
            .unwrap_err()
            .to_string()
    };
    let missing = error(":2");
    assert!(
        missing.contains(
            "does not have it (404 Not Found: MANIFEST_UNKNOWN); check the name and the tag"
        ),
        "{missing}"
    );
    assert!(
        missing.starts_with(&format!("image {}/team/app:2: ", registry.address)),
        "{missing}"
    );
    let layer = format!("blobs/{}", Digest::of(&made.stored[0]));
    let config = format!("blobs/{}", Digest::of(&made.document()));
    for path in [layer, config, format!("manifests/{digest}")] {
        let before = registry.state.lock().unwrap().content.clone();
        registry.change(|state| state.content.get_mut(&path).unwrap().push(b' '));
        let place = Place::new();
        let source = registry.reference(&format!(":1@{digest}"));
        let error = pull(&place, &source, None).unwrap_err().to_string();
        assert!(
            error.contains("the image is damaged or was changed"),
            "{path}: {error}"
        );
        registry.change(|state| state.content = before);
        assert!(pull(&place, &source, None).is_ok());
    }
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let source = Source::parse(&format!("127.0.0.1:{port}/app"), "/nowhere".as_ref()).unwrap();
    let error = pull(&place, &source, None).unwrap_err().to_string();
    assert!(
        error.contains(&format!("nothing listens at 127.0.0.1:{port}")),
        "{error}"
    );
}

#[test]
fn a_redirect_to_storage_is_followed_without_the_token() {
    let (place, registry, storage) = (Place::new(), Registry::start(), Registry::start());
    registry.push("1", &image("x"));
    storage.push("1", &image("x"));
    let realm = format!("http://{}/token", registry.address);
    let to = format!("http://{}", storage.address);
    registry.change(|state| {
        state.wanted = Some((
            "Bearer t0k3n".to_owned(),
            format!("Bearer realm=\"{realm}\""),
        ));
        state.redirect = Some(to);
    });
    assert_eq!(
        listing(&pull(&place, &registry.reference(":1"), None).unwrap()),
        ["a=x"]
    );
    let requests = storage.requests();
    assert!(
        requests.len() == 1 && !requests[0].contains("t0k3n"),
        "{requests:?}"
    );
}

#[test]
fn the_target_of_a_redirect_gets_no_credentials() {
    let (place, registry) = (Place::new(), Registry::start());
    let (storage, elsewhere) = (Registry::start(), Registry::start());
    registry.push("1", &image("x"));
    storage.push("1", &image("x"));
    registry.change(|state| state.redirect = Some(format!("http://{}", storage.address)));
    storage.change(|state| {
        let challenge = format!("Bearer realm=\"http://{}/token\"", elsewhere.address);
        state.wanted = Some(("Bearer t0k3n".to_owned(), challenge));
    });
    let error = pull(&place, &registry.reference(":1"), None)
        .unwrap_err()
        .to_string();
    assert!(error.contains("401 Unauthorized"), "{error}");
    assert_eq!(storage.requests().len(), 1);
    assert!(elsewhere.requests().is_empty());

    // A request for a token is not passed on either, with a refresh token in its body or without.
    let realm = format!("http://{}/token", registry.address);
    registry.change(|state| {
        let challenge = format!("Bearer realm=\"{realm}\"");
        state.wanted = Some(("Bearer t0k3n".to_owned(), challenge));
        state.token_redirect = Some(format!("http://{}", elsewhere.address));
    });
    let Source::Registry(reference) = registry.reference(":1") else {
        panic!()
    };
    let config = place.at("config.json");
    for auth in [
        r#"{"identitytoken":"secret"}"#,
        r#"{"auth":"dXNlcjpwYXNz"}"#,
        "{}",
    ] {
        let auths = format!("{{\"auths\":{{\"{}\":{auth}}}}}", registry.address);
        fs::write(&config, auths).unwrap();
        let got = crate::registry::manifest_with(&reference, vec![config.clone()]);
        let error = got.unwrap_err().to_string();
        assert!(error.contains("which is another server"), "{error}");
        assert!(elsewhere.requests().is_empty());
    }
}

#[test]
fn a_layer_of_the_cache_that_was_damaged_is_downloaded_again() {
    let (place, registry) = (Place::new(), Registry::start());
    let made = image("x");
    registry.push("1", &made);
    let downloads = place.cache().join("images-1/downloads");
    fs::create_dir_all(&downloads).unwrap();
    let layer = downloads.join(Digest::of(&made.stored[0]).hex());
    fs::write(layer, "damaged").unwrap();
    let image = pull(&place, &registry.reference(":1"), None).unwrap();
    assert_eq!(listing(&image), ["a=x"]);
}

#[tokio::test]
async fn an_image_can_be_opened_within_a_runtime() {
    let (place, registry) = (Place::new(), Registry::start());
    registry.push("1", &image("x"));
    assert!(pull(&place, &registry.reference(":1"), None).is_ok());
}
