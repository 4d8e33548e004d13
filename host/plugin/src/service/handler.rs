//! `wasi:http/incoming-handler@0.2.x`: the function that handles a request.

use bytes::Bytes;
use http::{Request, Response};
use hyper::body::Body;
use tokio::sync::oneshot;
use wasmtime::Store;
use wasmtime::component::Resource;
use wasmtime_wasi_http::p2::bindings::http::types::{ErrorCode, Scheme};
use wasmtime_wasi_http::p2::types::{HostIncomingRequest, HostResponseOutparam};
use wasmtime_wasi_http::{Error, WasiBody, WasiHttpView};

use crate::adapter::{Adapter, ExportedInterface, Function, TypeCheck};
use crate::state::State;

type Arguments = (
    Resource<HostIncomingRequest>,
    Resource<HostResponseOutparam>,
);

/// The guest's response, or the reason why there is none.
pub(super) type GuestResponse = Result<Response<WasiBody>, ErrorCode>;

/// The function of a component that handles requests.
#[derive(Debug)]
pub(crate) struct Handler {
    handle: Function,
}

impl Adapter for Handler {
    fn find(exports: &ExportedInterface<'_>) -> Result<Self, String> {
        let handle = exports.function("handle")?;
        Ok(Self { handle })
    }

    fn check(&self, types: &mut TypeCheck<'_>) -> Result<(), String> {
        types.check::<Arguments, ()>("handle", &self.handle)
    }
}

impl Handler {
    /// Runs a guest from its start to its end. It sends its response through `response` in between.
    pub(super) async fn call<B>(
        &self,
        store: &mut Store<State>,
        (scheme, request): (Scheme, Request<B>),
        response: oneshot::Sender<GuestResponse>,
    ) -> wasmtime::Result<()>
    where
        B: Body<Data = Bytes, Error = Error> + Send + 'static,
    {
        let instance = self.handle.component.instantiate_async(&mut *store).await?;
        let handle = instance.get_typed_func::<Arguments, ()>(&mut *store, &self.handle.export)?;
        let mut http = store.data_mut().http();
        let request = http.new_incoming_request(scheme, request)?;
        let response = http.new_response_outparam(response)?;
        handle.call_async(store, (request, response)).await
    }
}
