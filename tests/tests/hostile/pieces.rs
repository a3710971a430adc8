//! Hostile texts, put together by a generator.

/// A small generator (SplitMix64): the same inputs on every machine.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % end as u64) as usize
    }
}

/// Pieces that hostile texts are put together from.
pub(crate) const PIECES: [&[u8]; 26] = [
    b"<script>alert(1)</script>",
    b"<img src=x onerror=alert(1)>",
    b"\x1b[2J\x1b[H",
    b"\x1b]0;title\x07",
    b"\x1b]8;;file:///etc/passwd\x1b\\click\x1b]8;;\x1b\\",
    b"\x1bP+q544e\x1b\\",
    b"\x9b31m",
    b"\xc2\x9b31m",
    b"\0",
    b"\r\n",
    b"\r",
    b"\n\n",
    b"\t",
    b"\x08\x08\x08",
    b"\x7f",
    b"\xff\xfe",
    b"\xe2\x80\xae",
    b"\xe2\x81\xa6",
    b"\xef\xbb\xbf",
    b"$(reboot)`reboot`",
    b"'; DROP TABLE builds; --",
    b"--upload-pack=touch /tmp/x",
    b"{{7*7}}${7*7}",
    b"\xf0\x9f\x92\xa9",
    b"a\xcc\x81\xcc\x81\xcc\x81",
    b"plain words",
];

pub(crate) fn hostile(dice: &mut Dice) -> Vec<u8> {
    let mut text = Vec::new();
    for _ in 0..1 + dice.below(6) {
        text.extend_from_slice(PIECES[dice.below(PIECES.len())]);
    }
    text
}
