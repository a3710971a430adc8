//! Measures the source module on a repository, such as one of `big_history`: `source_timings REPO [SCRATCH]`.
//!
//! With a scratch directory it also writes a checkout and a `.git` directory of HEAD there.

use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use headstart_engine::source::{CheckoutCache, History, Repo, ancestors, tree_key, worktree_state};

fn timed<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = work();
    println!("{:>10.2} ms  {what}", start.elapsed().as_secs_f64() * 1000.0);
    result
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let path = arguments.next().ok_or("usage: source_timings REPO [SCRATCH]")?;
    let repo = timed("open", || Repo::open(Path::new(&path)))?;
    let head = timed("resolve HEAD", || repo.resolve("HEAD"))?;
    timed("101 ancestors, cold", || ancestors(&repo, head, 101))?;
    timed("101 ancestors", || ancestors(&repo, head, 101))?;
    timed("tree key", || tree_key(&repo, head, repo.source_root()))?;
    let refs = timed("refs", || repo.refs())?;
    let mut tips = vec![head];
    tips.extend(refs.iter().map(|label| label.commit));
    let mut history = History::new(&repo, tips)?;
    let rows = timed("200 rows", || history.load(200).map(|_| history.rows(0..200)))?;
    println!("{:>10}     of them", rows.len());
    timed("everything", || history.load_all(&AtomicBool::new(false)))?;
    println!(
        "{:>10}     rows, {} lanes",
        history.len(),
        history.width(0..history.len())
    );
    let middle = history.len() / 2;
    timed("60 rows in the middle", || history.rows(middle..middle + 60));
    timed("101 ancestors from memory", || {
        history.ancestors_from(middle, 101)
    });
    if !repo.is_bare() {
        timed("work tree state", || worktree_state(&repo, repo.source_root()))?;
    }
    if let Some(scratch) = arguments.next() {
        let cache = CheckoutCache::new(scratch);
        let made = timed("checkout", || cache.full(&repo, head, repo.source_root()))?;
        println!("{:>10}     files, {} bytes", made.report.files, made.report.bytes);
        timed("checkout again", || cache.full(&repo, head, repo.source_root()))?;
        timed(".git directory", || cache.git_dir(&repo, head, Some("main")))?;
    }
    Ok(())
}
