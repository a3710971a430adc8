//! What specs need that does not stand in them.

use super::input::Leaf;
use super::names::{BUILD, cut};
use super::spec::Spec;
use crate::wire::{Problem, Severity};

/// Returns the repositories that specs read and that are not there, each at its input. A pipeline's own repository is there
/// for those that stand behind it in the file, and those of clocks are made.
pub fn missing_repositories(file: &str, specs: &[Spec], exists: &dyn Fn(&str) -> bool) -> Vec<Problem> {
    let mut made: Vec<String> = Vec::new();
    let mut problems = Vec::new();
    for spec in specs {
        if spec.transform.build.is_some() {
            made.push(format!("{}{BUILD}", spec.name));
        }
        for leaf in spec.input.iter().flat_map(|input| input.leaves()) {
            let Leaf::Pfs(pfs) = leaf else { continue };
            if made.contains(&pfs.repo) || exists(&pfs.repo) {
                continue;
            }
            problems.push(Problem {
                severity: Severity::Error,
                file: file.to_owned(),
                line: Some(pfs.place.line),
                column: Some(pfs.place.column),
                message: format!("repo {} not found", cut(&pfs.repo)),
                hint: Some("create it, or submit the pipeline that writes it first".to_owned()),
                snippet: None,
            });
        }
        made.push(spec.name.clone());
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::datum::spec::read;

    #[test]
    fn a_pipeline_reads_what_is_there_or_stands_before_it() {
        let spec = |name: &str, repo: &str| {
            format!(
                "---\npipeline: {{name: {name}}}\ntransform: {{}}\ninput: {{pfs: {{repo: {repo}, glob: /}}}}\n"
            )
        };
        let text = [spec("a", "in"), spec("b", "a"), spec("c", "d"), spec("d", "in")].concat();
        let (specs, _) = read("p", text.as_bytes());
        let missing = missing_repositories("p", &specs, &|repo| repo == "in");
        let told: Vec<_> = missing
            .iter()
            .map(|problem| (problem.line, problem.message.as_str()))
            .collect();
        assert_eq!(told, [(Some(12), "repo d not found")]);
    }
}
