//! `lambkin:object-trigger@0.2.x`: converts between the contract's types and the host's.

use lambkin_model::ObjectChange;

use super::check;
use super::types::{QueueReference, Setup, Target};
use crate::adapter::{Adapter, ExportedInterface, Function, TypeCheck};
use crate::bindings::{self, SurroundingsLists, object as wit};
use crate::caller::Call;
use crate::error::{ConfigureError, PluginError, Problem};
use crate::limits::SHAPER;
use crate::surroundings::Surroundings;

type ConfigureArguments<'a> = (&'a str, wit::Surroundings<'a>, wit::Bucket<'a>);
type ConfigureResult = (Result<wit::Setup, Vec<wit::Problem>>,);
type ShapeArguments<'a> = (&'a str, wit::Change<'a>);
type ShapeResult = (Result<Option<String>, String>,);

/// The functions of a component that exports this version.
#[derive(Debug)]
pub(crate) struct Shaper {
    configure: Function,
    shape: Function,
}

impl Adapter for Shaper {
    fn find(exports: &ExportedInterface<'_>) -> Result<Self, String> {
        Ok(Self {
            configure: exports.function("configure")?,
            shape: exports.function("shape")?,
        })
    }

    fn check(&self, types: &mut TypeCheck<'_>) -> Result<(), String> {
        types.check::<ConfigureArguments<'_>, ConfigureResult>("configure", &self.configure)?;
        types.check::<ShapeArguments<'_>, ShapeResult>("shape", &self.shape)
    }
}

impl Shaper {
    pub(super) async fn configure(
        &self,
        call: &Call<'_>,
        config: &str,
        surroundings: &Surroundings,
        bucket: &str,
    ) -> Result<Setup, ConfigureError> {
        let lists = SurroundingsLists::of(surroundings);
        let bucket = wit::Bucket {
            name: bucket,
            extra: &[],
        };
        let arguments: ConfigureArguments<'_> =
            (config, bindings::borrowed(surroundings, &lists), bucket);
        let (result,): ConfigureResult = call.run(&SHAPER, &self.configure, arguments).await?;
        let result = result
            .map(|setup| check::setup(setup.into()))
            .map_err(|problems| problems.into_iter().map(Problem::from).collect());
        call.configured(result)
    }

    pub(super) async fn shape(
        &self,
        call: &Call<'_>,
        setup: &Setup,
        change: &ObjectChange,
    ) -> Result<Option<String>, PluginError> {
        let extra = bindings::pairs(&change.extra);
        let arguments: ShapeArguments<'_> = (&setup.state, borrowed(change, &extra));
        let bounds = SHAPER.for_input(setup.state.len());
        let (result,): ShapeResult = call.run(&bounds, &self.shape, arguments).await?;
        let event = check::shaped(call.reported(result)?);
        call.checked(event)
    }
}

fn borrowed<'a>(change: &'a ObjectChange, extra: &'a [(&'a str, &'a str)]) -> wit::Change<'a> {
    wit::Change {
        id: &change.id,
        event: &change.event,
        key: &change.key,
        size: change.size,
        etag: change.etag.as_deref(),
        version: change.version.as_deref(),
        sequencer: change.sequencer,
        at_ms: change.at,
        extra,
    }
}

impl From<wit::Setup> for Setup {
    fn from(setup: wit::Setup) -> Self {
        Self {
            state: setup.state,
            target: match setup.target {
                wit::Target::Function(function) => Target::Function(function.into()),
                wit::Target::Queue(queue) => Target::Queue(QueueReference {
                    name: queue.name,
                    at: queue.at,
                }),
            },
            reusable: setup.reusable,
            summary: setup.summary,
            warnings: setup.warnings,
        }
    }
}
