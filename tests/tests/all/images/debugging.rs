//! A debugger of a program in an image.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use serde_json::json;

use super::{served, tell};
use crate::debugging::address;
use crate::sandbox::As;
use crate::support::Image;

#[test]
fn a_debugger_reaches_what_an_image_starts_at_the_port_that_it_is_told() {
    let Ok(image) = Image::echo() else { return };
    let image = image.entry_point(&["/function/bootstrap", "--listen={debug-port}"]);
    let settings = "debug = 0\nenvironment = { OPTIONS = \"port {debug-port}\" }\n";
    let Ok((_project, server)) = served(&image, As::User, settings) else {
        return;
    };
    let environment = tell(&server, "environment");
    let port = environment["LAMBKIN_DEBUG_PORT"].as_str().unwrap();
    assert_eq!(environment["OPTIONS"], format!("port {port}"));
    let arguments = tell(&server, "args");
    let arguments = arguments.as_array().unwrap();
    assert_eq!(arguments.last(), Some(&json!(format!("--listen={port}"))));
    server.log_with(", if the image starts one at the port `{debug-port}`");
    // An image has the machine's network, so that this listener stands for one in it.
    let debugger = TcpListener::bind(format!("127.0.0.1:{port}")).unwrap();
    let mut editor = TcpStream::connect(address(&server)).unwrap();
    editor.write_all(b"JDWP-Handshake").unwrap();
    let (mut attached, _) = debugger.accept().unwrap();
    let mut said = [0; 14];
    attached.read_exact(&mut said).unwrap();
    assert_eq!(&said, b"JDWP-Handshake");
    attached.write_all(b"JDWP-Handshake").unwrap();
    editor.read_exact(&mut said).unwrap();
    assert_eq!(&said, b"JDWP-Handshake");
}
