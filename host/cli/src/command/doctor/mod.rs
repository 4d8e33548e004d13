//! `lambkin doctor`: what this machine can do for functions, or whether a function starts.

mod function;
mod machine;
mod report;

use std::process::ExitCode;

use crate::args::{Doctor, GlobalArgs, Target};

/// Prints the report to standard output.
pub async fn run(global: &GlobalArgs, args: &Doctor) -> anyhow::Result<ExitCode> {
    match &args.function {
        None => machine::run().await,
        Some(name) => {
            let target = Target {
                function: name.clone(),
                handler: args.handler.clone(),
                runtime: args.runtime.clone(),
                sandbox: args.sandbox,
            };
            function::run(global, &target).await
        }
    }
}
