//! What is served on which path: the application as a [`Service`].

use crate::Device;
use ws_embassy::server::{Answer, Content, Page, Request, Service};
use ws_embassy::ws_core::transport::{Outlet, SessionKey};
use ws_embassy::{Message, Server, tcp};

/// What a WebSocket is for.
pub enum Route {
    Live,
    Echo,
}

/// A page, as `build.rs` compressed it, and what it may do: what is in it, to where it came from.
macro_rules! page {
    ($name:literal) => {
        Page {
            fields: &[
                ("Content-Type", "text/html; charset=utf-8"),
                ("Content-Encoding", "gzip"),
                ("Cache-Control", "no-cache"),
                ("Content-Security-Policy", include_str!(concat!(env!("OUT_DIR"), "/", $name, ".csp"))),
                ("X-Content-Type-Options", "nosniff"),
            ],
            body: include_bytes!(concat!(env!("OUT_DIR"), "/", $name, ".html.gz")),
        }
    };
}

const PAGE: Page<'static> = page!("index");
const TRANSPORTS: Page<'static> = page!("transports");

/// The script of the push transports, as `build.rs` compressed it.
static CLIENT: Content<'static> = Content::gzip(
    "text/javascript; charset=utf-8",
    include_str!(concat!(env!("OUT_DIR"), "/push.js.etag")),
    include_bytes!(concat!(env!("OUT_DIR"), "/push.js.gz")),
);

impl Service for Device {
    type Route = Route;

    fn route(&self, request: &Request<'_>) -> Answer<'_, Route> {
        match request.target().path {
            "/" => Answer::Page(PAGE),
            "/transports" => Answer::Page(TRANSPORTS),
            "/push" => Answer::Push(&self.push),
            "/push.js" => Answer::Content(&CLIENT),
            "/live" => Answer::WebSocket { route: Route::Live, subprotocol: Some("live.v1") },
            "/echo" => Answer::WebSocket { route: Route::Echo, subprotocol: None },
            _ => Answer::NOT_FOUND,
        }
    }

    async fn serve(
        &self,
        route: Route,
        ws: &mut tcp::WebSocket<'_, Server>,
        buf: &mut [u8],
    ) -> Result<(), tcp::Error> {
        match route {
            Route::Live => self.live.serve(ws, buf).await,
            Route::Echo => echo(ws, buf).await,
        }
    }

    fn receive(&self, outlet: &mut dyn Outlet, from: Option<SessionKey>, message: Message<'_>) {
        self.hear(outlet, from, message);
    }
}

/// Sends each piece back as it comes, so that no message is too long.
async fn echo(ws: &mut tcp::WebSocket<'_, Server>, buf: &mut [u8]) -> Result<(), tcp::Error> {
    while let Some(chunk) = ws.read(buf).await? {
        ws.send(chunk.kind, &mut &*chunk.payload, chunk.last).await?;
    }
    Ok(())
}
