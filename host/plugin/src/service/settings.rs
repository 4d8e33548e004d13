//! `lambkin:service/settings@0.1.x`: the check of a service's settings when the host starts.

use self::bindings::exports::lambkin::service::settings as wit;
use crate::call::{CallContext, Function, Runner};
use crate::error::{PluginError, Problem};
use crate::limits::SHAPER;
use crate::roles::{Adapter, Exports, TypeCheck};
use crate::text::quote;

#[allow(missing_docs, unused_qualifications, reason = "generated")]
#[allow(clippy::all, clippy::restriction, reason = "generated")]
mod bindings {
    wasmtime::component::bindgen!({
        path: "../../wit/service",
        world: "service",
        ownership: Borrowing { duplicate_if_necessary: true },
    });
}

type Arguments<'a> = (&'a str,);
type Returned = (Vec<wit::Problem>,);

/// A component that checks settings.
#[derive(Debug)]
pub(crate) struct Settings {
    check: Function,
}

impl Adapter for Settings {
    fn find(exports: &Exports<'_>) -> Result<Self, String> {
        let check = exports.function("check")?;
        Ok(Self { check })
    }

    fn check(&self, types: &mut TypeCheck<'_>) -> Result<(), String> {
        types.check::<Arguments<'_>, Returned>("check", &self.check)
    }
}

impl Settings {
    /// The mistakes in some settings, fit to be shown. The guest is given nothing else.
    pub(super) async fn problems(
        &self,
        runner: &Runner,
        context: &CallContext<'_>,
        settings: &str,
    ) -> Result<Vec<Problem>, PluginError> {
        let arguments: Arguments<'_> = (settings,);
        let (problems,): Returned = runner
            .call(context, &SHAPER, &self.check, arguments)
            .await?;
        let shown = |problem: wit::Problem| Problem {
            at: problem.at.iter().map(|key| quote(key)).collect(),
            message: quote(&problem.message),
        };
        Ok(problems.into_iter().map(shown).collect())
    }
}
