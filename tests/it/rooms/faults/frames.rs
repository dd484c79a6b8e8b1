//! Frames of HTTP/2 that are broken, out of order or end too early.

use super::Fault;
use super::answers::good;
use super::stage::{How, Speaks, Then};

/// RFC 9113, section 4.1.
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = length[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

fn http2(what: &'static str, frames: &[Vec<u8>], then: Then) -> Fault {
    // The server's own preface: settings, all as usual.
    let mut bytes = frame(4, 0, 0, &[]);
    bytes.extend(frames.concat());
    Fault {
        what,
        how: How::Answer(Speaks::Http2, bytes, then),
    }
}

fn reset(code: u32) -> Vec<u8> {
    frame(3, 0, 1, &code.to_be_bytes())
}

fn go_away(code: u32) -> Vec<u8> {
    frame(7, 0, 0, &[0_u32.to_be_bytes(), code.to_be_bytes()].concat())
}

pub(super) fn frames() -> Vec<Fault> {
    const END_HEADERS: u8 = 4;
    // `:status: 200` by the static table (RFC 7541, appendix A).
    let ok = frame(1, END_HEADERS, 1, &[0x88]);
    let data = |flags| frame(0, flags, 1, good().as_bytes());
    vec![
        http2("the connection ends before an answer", &[], Then::Close),
        http2("no answer comes", &[], Then::Hang),
        Fault {
            what: "no HTTP/2 comes",
            how: How::Answer(
                Speaks::Http2,
                b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}".to_vec(),
                Then::Close,
            ),
        },
        http2("GOAWAY: no error", &[go_away(0)], Then::Close),
        http2("GOAWAY: calm down", &[go_away(0xb)], Then::Close),
        http2("GOAWAY: internal error", &[go_away(2)], Then::Close),
        http2("RST_STREAM: refused", &[reset(7)], Then::Close),
        http2("RST_STREAM: internal error", &[reset(2)], Then::Close),
        http2("RST_STREAM: use HTTP/1.1", &[reset(0xd)], Then::Close),
        http2(
            "a frame that is too large",
            &[frame(0, 0, 1, &vec![0; 20_000])],
            Then::Close,
        ),
        http2(
            "headers that cannot be unpacked",
            &[frame(1, END_HEADERS, 1, &[0xff; 12])],
            Then::Close,
        ),
        http2(
            "headers without a status",
            &[frame(1, END_HEADERS, 1, &[])],
            Then::Close,
        ),
        http2("data before headers", &[data(1)], Then::Close),
        http2(
            "data of no stream",
            &[ok.clone(), frame(0, 0, 0, b"{}")],
            Then::Close,
        ),
        http2(
            "settings that are not allowed",
            &[frame(4, 0, 0, &[0, 5, 0, 0, 0, 0])],
            Then::Close,
        ),
        http2(
            "a window that grows by nothing",
            &[frame(8, 0, 1, &[0; 4])],
            Then::Close,
        ),
        http2(
            "a push that was not asked for",
            &[frame(5, END_HEADERS, 1, &[0, 0, 0, 2, 0x88])],
            Then::Close,
        ),
        http2(
            "the connection ends within the body",
            &[ok.clone(), frame(0, 0, 1, b"{")],
            Then::Close,
        ),
        http2(
            "RST_STREAM within the body",
            &[ok.clone(), frame(0, 0, 1, b"{"), reset(2)],
            Then::Close,
        ),
        http2(
            "the body never ends",
            &[ok, frame(0, 0, 1, b"{")],
            Then::Hang,
        ),
    ]
}
