//! The time to the first picture of the window, beside a window with nothing in it. Both run under the same display.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use x11rb::connection::Connection;
use x11rb::protocol::xproto::{ConnectionExt, ImageFormat};

use crate::figures::{Table, ms, percentile};

const ROUNDS: usize = 7;

pub(crate) fn measure(table: &mut Table) -> Result<()> {
    if std::env::var_os("DISPLAY").is_none() {
        eprintln!("window: no display, left out (make bench provides one)");
        return Ok(());
    }
    let target = target_folder()?;
    let (app, bare) = (target.join("headstart-app"), target.join("examples/bare_window"));
    let (mut ours, mut peer) = (Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let (one, other) = (first_paint(&app)?, first_paint(&bare)?);
        if round > 0 {
            ours.push(one);
            peer.push(other);
        }
    }
    let (ours, peer) = (percentile(&mut ours, 50), percentile(&mut peer, 50));
    let ratio = ours.as_secs_f64() / peer.as_secs_f64();
    let beside = format!("bare Tauri window {}, ratio {ratio:.2}", ms(peer));
    table.row(
        "window, start to first picture",
        ms(ours),
        beside,
        "1.5 times",
        ratio <= 1.5,
    );
    Ok(())
}

fn target_folder() -> Result<PathBuf> {
    let own = std::env::current_exe()?;
    // target/<profile>/deps/measure-…: the window is built in the profile that users run.
    let target = own.ancestors().nth(3).context("a target folder")?;
    Ok(target.join("debug"))
}

/// Starts a program and waits until more than a few colours are on the display: text has been drawn.
fn first_paint(program: &Path) -> Result<Duration> {
    let home = tempfile::tempdir()?;
    let (connection, screen) = x11rb::connect(None)?;
    let screen = &connection.setup().roots[screen];
    let start = Instant::now();
    let child = Command::new(program)
        .env("HEADSTART_HOME", home.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .with_context(|| format!("{} has to be built first", program.display()))?;
    let _stop = Stop(child);
    loop {
        let image = connection
            .get_image(
                ImageFormat::Z_PIXMAP,
                screen.root,
                0,
                0,
                screen.width_in_pixels,
                screen.height_in_pixels,
                u32::MAX,
            )?
            .reply()?;
        let mut colours = std::collections::HashSet::new();
        for pixel in image.data.chunks_exact(4) {
            colours.insert([pixel[0], pixel[1], pixel[2]]);
            if colours.len() > 8 {
                return Ok(start.elapsed());
            }
        }
        if start.elapsed() > Duration::from_secs(30) {
            bail!("{} showed nothing for 30 s", program.display());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Ends a program whatever happens.
struct Stop(Child);

impl Drop for Stop {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
        // The display is given a moment to take the window away.
        std::thread::sleep(Duration::from_millis(300));
    }
}
