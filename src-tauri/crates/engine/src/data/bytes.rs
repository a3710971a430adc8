//! How pages are written down: numbers of variable length, digests and byte strings, one after the other.

use super::digest::Digest;
use crate::error::{Error, Result};

/// Appends a number, seven bits a byte, the lowest first.
pub(super) fn put_number(page: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        page.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    page.push(number as u8);
}

/// Reads a page from its beginning to its end.
pub(super) struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    /// Begins with a page, which has to be of a kind.
    pub(super) fn of_kind(page: &'a [u8], kind: u8) -> Result<Self> {
        match page.split_first() {
            Some((first, rest)) if *first == kind => Ok(Self(rest)),
            _ => Err(Self::damaged()),
        }
    }

    pub(super) fn byte(&mut self) -> Result<u8> {
        Ok(self.bytes(1)?[0])
    }

    pub(super) fn bytes(&mut self, count: u64) -> Result<&'a [u8]> {
        let count = usize::try_from(count).map_err(|_| Self::damaged())?;
        let (bytes, rest) = self.0.split_at_checked(count).ok_or_else(Self::damaged)?;
        self.0 = rest;
        Ok(bytes)
    }

    pub(super) fn digest(&mut self) -> Result<Digest> {
        let bytes = self.bytes(32)?;
        Ok(Digest(bytes.try_into().map_err(|_| Self::damaged())?))
    }

    pub(super) fn number(&mut self) -> Result<u64> {
        let mut number = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(Self::damaged())
    }

    /// Returns what was read, if nothing is left.
    pub(super) fn end<T>(self, value: T) -> Result<T> {
        match self.0.is_empty() {
            true => Ok(value),
            false => Err(Self::damaged()),
        }
    }

    /// Its digest was right, so it was written by something else than this program.
    pub(super) fn damaged() -> Error {
        Error::refused(
            "a page of a data repository is not written in a way that this program knows",
            "update this program, or bring the artifact store back from a copy",
        )
    }
}
