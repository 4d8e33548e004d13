//! `wasi:http/incoming-handler@0.2.x`: the call that gives a service a request.

use bytes::Bytes;
use http::{Request, Response};
use hyper::body::Body;
use tokio::sync::oneshot;
use wasmtime::Store;
use wasmtime::component::Resource;
use wasmtime_wasi_http::p2::bindings::http::types::{ErrorCode, Scheme};
use wasmtime_wasi_http::p2::types::{HostIncomingRequest, HostResponseOutparam};
use wasmtime_wasi_http::{Error, WasiBody, WasiHttpView};

use crate::call::Function;
use crate::roles::{Adapter, Exports, TypeCheck};
use crate::state::State;

type Arguments = (
    Resource<HostIncomingRequest>,
    Resource<HostResponseOutparam>,
);

/// An answer as the guest gives it: a response, or why there is none.
pub(super) type Answered = Result<Response<WasiBody>, ErrorCode>;

/// A component that handles requests.
#[derive(Debug)]
pub(crate) struct Handler {
    handle: Function,
}

impl Adapter for Handler {
    fn find(exports: &Exports<'_>) -> Result<Self, String> {
        let handle = exports.function("handle")?;
        Ok(Self { handle })
    }

    fn check(&self, types: &mut TypeCheck<'_>) -> Result<(), String> {
        types.check::<Arguments, ()>("handle", &self.handle)
    }
}

impl Handler {
    /// Runs a guest from its start to its end. It answers, by `answer`, at some time between.
    pub(super) async fn call<B>(
        &self,
        store: &mut Store<State>,
        request: Request<B>,
        answer: oneshot::Sender<Answered>,
    ) -> wasmtime::Result<()>
    where
        B: Body<Data = Bytes, Error = Error> + Send + 'static,
    {
        let instance = self.handle.component.instantiate_async(&mut *store).await?;
        let handle = instance.get_typed_func::<Arguments, ()>(&mut *store, &self.handle.export)?;
        let mut http = store.data_mut().http();
        let request = http.new_incoming_request(Scheme::Http, request)?;
        let answer = http.new_response_outparam(answer)?;
        handle.call_async(store, (request, answer)).await
    }
}
