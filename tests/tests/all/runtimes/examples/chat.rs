//! The example `chat`: two members, one of them in a browser if there is one.

use serde_json::{Value, json};

use super::copy;
use crate::browser::Browser;
use crate::support::{MockServer, Server, curl, eventually};

fn server() -> Option<Server> {
    curl().ok()?;
    Some(copy("chat", None).ok()?.serve())
}

#[test]
fn what_a_member_says_goes_to_all() {
    let Some(server) = server() else { return };
    let mut ada = server.connect("/dev", &[]);
    let mut bob = server.connect("/dev", &[]);
    ada.send(r#"{"action":"say","text":"hello"}"#);
    let hello = json!({ "text": "hello" });
    assert_eq!((ada.json(), bob.json()), (hello.clone(), hello));
    for text in [
        r#"she said "hi" \ and left"#,
        "two\nlines\tand \u{1} \\n",
        "\\\"text\\\":\\\"no\\\"",
        "Grüße, 🦙",
        "",
    ] {
        let message = json!({ "text": text, "action": "say" });
        ada.send(&message);
        assert_eq!(bob.json()["text"], text);
        // As Python writes it: all of it in ASCII.
        let ascii = message.to_string().replace('ü', "\\u00fc");
        ada.send(ascii.replace('🦙', "\\ud83e\\udd99"));
        assert_eq!(bob.json()["text"], text);
        assert_eq!(
            (ada.json()["text"].as_str(), ada.json()["text"].as_str()),
            (Some(text), Some(text))
        );
    }
    bob.send("help");
    assert!(bob.text().starts_with("to say something"));
    bob.close(None);
    // Bob's end may not have been processed yet; then nobody is there to receive this.
    ada.send(r#"{"action":"say","text":"alone"}"#);
    assert_eq!(ada.json()["text"], "alone");
}

#[test]
fn a_page_in_a_browser_takes_part() {
    let Some(server) = server() else { return };
    let mut ada = server.connect("/dev", &[]);
    let socket = server.trigger_url("web").replace("http://", "ws://");
    // Says what it hears to its own server, and ends the conversation after "bye".
    let page = format!(
        "<!doctype html><meta charset=utf-8><script>
         const socket = new WebSocket('{socket}/dev');
         socket.onopen = () => socket.send(JSON.stringify({{action: 'say', text: 'from the page'}}));
         socket.onmessage = async message => {{
           const {{text}} = JSON.parse(message.data);
           await fetch('/heard', {{method: 'POST', body: JSON.stringify(text)}});
           if (text === 'bye') socket.close(4000, 'done');
         }};
         socket.onclose = closed => fetch('/closed', {{method: 'POST', body: JSON.stringify(closed.code)}});
         </script>"
    );
    let site = MockServer::start(move |request| {
        let is_page = request.head.starts_with("GET / ");
        Some((200, if is_page { page.clone() } else { String::new() }))
    });
    let Ok(_browser) = Browser::open(site.url()) else {
        return;
    };
    assert_eq!(ada.json()["text"], "from the page");
    ada.send(r#"{"action":"say","text":"bye"}"#);
    assert_eq!(ada.json()["text"], "bye");
    let told = |path: &str| -> Vec<Value> {
        let requests = site.requests().into_iter();
        let posts = requests.filter(|request| request.head.starts_with(&format!("POST {path} ")));
        posts.map(|request| request.json()).collect()
    };
    eventually("the page's connection to end", || {
        !told("/closed").is_empty()
    });
    assert_eq!(told("/heard"), ["from the page", "bye"]);
    assert_eq!(told("/closed"), [4000]);
}
