//! A Lambda function in Rust: greets the `{name}` of the path, or the world.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde_json::{Value, json};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run(service_fn(hello)).await
}

async fn hello(event: LambdaEvent<Value>) -> Result<Value, Error> {
    let name = event.payload["pathParameters"]["name"]
        .as_str()
        .unwrap_or("world");
    let greeting = std::env::var("GREETING").unwrap_or_else(|_| "hello".to_owned());
    println!("greeting {name}");
    Ok(json!({ "message": format!("{greeting}, {name}") }))
}
