//! The exposition: what is shown, in both formats, and when it is not.

mod shown;
mod stream;
