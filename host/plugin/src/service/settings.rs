//! `lambkin:service/settings@0.1.x`: the check of a service's settings when the host starts.

use self::bindings::exports::lambkin::service::settings as wit;
use crate::adapter::{Adapter, ExportedInterface, Function, TypeCheck};
use crate::caller::Call;
use crate::check::displayable;
use crate::error::{PluginError, Problem};
use crate::limits::SHAPER;

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

/// The function of a component that checks settings.
#[derive(Debug)]
pub(crate) struct Settings {
    check: Function,
}

impl Adapter for Settings {
    fn find(exports: &ExportedInterface<'_>) -> Result<Self, String> {
        let check = exports.function("check")?;
        Ok(Self { check })
    }

    fn check(&self, types: &mut TypeCheck<'_>) -> Result<(), String> {
        types.check::<Arguments<'_>, Returned>("check", &self.check)
    }
}

impl Settings {
    /// The mistakes in a service's settings, as displayable text. The guest has no capabilities.
    pub(super) async fn problems(
        &self,
        call: &Call<'_>,
        settings: &str,
    ) -> Result<Vec<Problem>, PluginError> {
        let arguments: Arguments<'_> = (settings,);
        let (problems,): Returned = call.run(&SHAPER, &self.check, arguments).await?;
        let problem = |problem: wit::Problem| Problem {
            at: problem.at,
            message: problem.message,
        };
        Ok(problems
            .into_iter()
            .map(|found| displayable(&problem(found)))
            .collect())
    }
}
