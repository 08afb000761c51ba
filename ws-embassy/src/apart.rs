//! Less stack for what is awaited: [`apart`].

use core::pin::Pin;
use core::task::{Context, Poll};

/// Polls a future that is not to be inlined where it is awaited: the compiler has one frame for a function and all that is
/// inlined there, so what one part of it needs would lie on the stack below every other part.
#[inline(never)]
pub(crate) fn apart<F: Future>(future: Pin<&mut F>, cx: &mut Context<'_>) -> Poll<F::Output> {
    future.poll(cx)
}
