//! An image that is replaced while its function is served.

use std::fs;

use super::{project, serve};
use crate::sandbox::As;
use crate::support::{Image, Project, Server, eventually};

fn eventually_has_argument(server: &Server, argument: &str) {
    eventually(&format!("an environment with {argument}"), || {
        let reply = server.invoke("echo", r#"{"tell": "args"}"#).text();
        reply.contains(argument)
    });
}

#[test]
fn a_saved_image_that_is_replaced_restarts_the_function() {
    for host in As::all() {
        let Ok(image) = Image::echo() else { return };
        let project = project(&image.clone().command(&["first"]), "watch = true\n");
        let Ok(server) = serve(&project, host) else {
            return;
        };
        eventually_has_argument(&server, "first");
        let path = project.path().join("app.tar");
        image.clone().command(&["second"]).save(&path);
        eventually_has_argument(&server, "second");
        server.log_with("function echo restarts: app.tar has changed");
        fs::write(&path, "not an image").unwrap();
        server.log_with("function echo stays as it was: ");
        eventually_has_argument(&server, "second");
        // Other files: another folder with the image's root.
        image
            .entry_point(&["/function/bootstrap", "third"])
            .file("new", "")
            .save(&path);
        eventually_has_argument(&server, "third");
    }
}

#[test]
fn a_layout_that_is_written_anew_restarts_the_function() {
    let Ok(image) = Image::echo() else { return };
    let project = Project::new("[functions.echo]\nimage = \"layout\"\nwatch = true\n");
    let layout = project.path().join("layout");
    image.clone().command(&["first"]).lay_out(&layout);
    let Ok(server) = serve(&project, As::User) else {
        return;
    };
    eventually_has_argument(&server, "first");
    image.command(&["second"]).lay_out(&layout);
    eventually_has_argument(&server, "second");
}
