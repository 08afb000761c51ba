//! What each of them keeps: a section of the image for each, as long as it is, so that a machine of 32 bits tells its own.

#![no_std]
#![no_main]

use core::hint::black_box;
use ws_core::http::{Chunks, Exchange};
use ws_core::transport::{
    AckBody, AnyFormat, Budget, Endpoint, EventRing, EventStream, HtmlStream, Hub, Images, Listener,
    LongPoll, Multipart, PolicyFile, PolicyRequest, PollBody, Session, Sessions, Sse, Stream, Upstream,
    Visit, WebSocketStream, XhrStream,
};
use ws_core::{Connection, Server};

macro_rules! state {
    ($section:literal, $state:ty) => {{
        #[unsafe(link_section = $section)]
        static STATE: [u8; size_of::<$state>()] = [1; size_of::<$state>()];
        black_box(&STATE);
    }};
}

#[unsafe(no_mangle)]
extern "C" fn _start() {
    // Linked for the panic handler alone.
    transport::write(&[]);
    state!(".state.EventRing", EventRing<'static>);
    state!(".state.Session", Session<'static>);
    state!(".state.Sessions-4", Sessions<'static, 4>);
    state!(".state.Hub-4", Hub<'static, 4>);
    state!(".state.Stream-Sse", Stream<Sse>);
    state!(".state.Stream-XhrStream", Stream<XhrStream>);
    state!(".state.Stream-HtmlStream", Stream<HtmlStream>);
    state!(".state.Stream-Multipart", Stream<Multipart>);
    state!(".state.Stream-AnyFormat", Stream<AnyFormat>);
    state!(".state.PollBody", PollBody);
    state!(".state.LongPoll", LongPoll);
    state!(".state.Upstream", Upstream);
    state!(".state.AckBody", AckBody);
    state!(".state.WebSocketStream", WebSocketStream);
    state!(".state.Connection", Connection<Server>);
    state!(".state.Exchange", Exchange<'static>);
    state!(".state.Chunks", Chunks);
    state!(".state.EventStream", EventStream<'static>);
    state!(".state.PolicyRequest", PolicyRequest);
    state!(".state.PolicyFile", PolicyFile<'static>);
    state!(".state.Images", Images);
    state!(".state.Endpoint", Endpoint<'static>);
    state!(".state.Visit", Visit);
    state!(".state.Listener", Listener);
    state!(".state.Budget-12", Budget<12>);
}
