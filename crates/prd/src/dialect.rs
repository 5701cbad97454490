//! Which notation a text is written in: the first whose marks it carries.

use crate::blocks::Kind;
use crate::fields::IdForm;
use crate::marks::Shape;
use crate::page::{Item, Page};
use crate::scan::{digits, strip_word};
use crate::title::is_obsidian;
use crate::tokens::{Dotted, id_token};
use taskmaster_core::document::Dialect;

/// Recognises the notation of `page`.
pub(crate) fn recognise(page: &Page<'_>) -> Dialect {
    type Test = fn(&Page<'_>) -> bool;
    const TESTS: &[(Dialect, Test)] = &[
        (Dialect::Backlog, is_backlog),
        (Dialect::TaskMaster, is_task_master),
        (Dialect::Bmad, is_bmad),
        (Dialect::SpecKit, is_spec_kit),
        (Dialect::Kiro, is_kiro),
        (Dialect::OpenSpec, is_openspec),
        (Dialect::Obsidian, |page| boxes(page).any(|item| is_obsidian(item.content()))),
    ];
    TESTS.iter().find(|(_, test)| test(page)).map_or(Dialect::Plain, |(dialect, _)| *dialect)
}

/// The order of [`recognise`], for a folder whose texts differ.
pub(crate) fn rank(dialect: Dialect) -> usize {
    use Dialect::{Backlog, Bmad, Kiro, Obsidian, OpenSpec, Plain, SpecKit, TaskMaster};
    let order = [Backlog, TaskMaster, Bmad, SpecKit, Kiro, OpenSpec, Obsidian, Plain];
    order.iter().position(|one| *one == dialect).unwrap_or(order.len())
}

fn boxes<'p>(page: &'p Page<'_>) -> impl Iterator<Item = &'p Item> {
    page.items.iter().filter(|item| matches!(item.shape, Shape::Box(_)))
}

fn is_backlog(page: &Page<'_>) -> bool {
    let has = |key: &str| page.front.get(key).is_some();
    let marked = || {
        page.blocks.all.iter().filter(|block| block.kind == Kind::Html).any(|block| {
            let comment = block.span.of(page.text);
            comment.contains("<!-- AC:BEGIN") || comment.contains("<!-- SECTION:")
        })
    };
    has("id") && has("status") && (has("dependencies") || has("created_date") || marked())
}

fn is_task_master(page: &Page<'_>) -> bool {
    page.blocks.sections.iter().any(|section| {
        section.level == 1 && {
            let text = page.inline(section.block).text;
            strip_word(&text, "Task ID:").is_some()
        }
    })
}

/// The one section of tasks in a BMAD story.
pub(crate) fn is_subtasks_heading(name: &str) -> bool {
    let letters: String = name.chars().filter(|c| !c.is_whitespace()).collect();
    letters.eq_ignore_ascii_case("tasks/subtasks")
}

fn is_bmad(page: &Page<'_>) -> bool {
    page.headings.iter().any(|heading| is_subtasks_heading(&heading.name))
}

fn is_spec_kit(page: &Page<'_>) -> bool {
    let numbered = |item: &Item| {
        let content = item.content().trim_start();
        let content =
            strip_word(content, "[P]").map_or(content, str::trim_start).trim_start_matches(['*', '_', '~']);
        match id_token(content, Dotted::Never) {
            Some((_, None, _)) => true,
            Some((id, Some(IdForm::Token), _)) => {
                id.starts_with("T-") || (id.starts_with('T') && !id.contains('-'))
            }
            _ => false,
        }
    };
    let tagged = |item: &Item| item.content().contains("[P]") || item.content().contains("[US");
    let phase = || {
        page.headings
            .iter()
            .filter_map(|heading| heading.phase.as_ref())
            .any(|phase| phase.word.eq_ignore_ascii_case("phase"))
    };
    boxes(page).any(numbered) && (boxes(page).any(tagged) || phase())
}

fn is_kiro(page: &Page<'_>) -> bool {
    let starred = || boxes(page).any(|item| matches!(item.shape, Shape::Box(found) if found.starred));
    let field = || {
        page.blocks
            .all
            .iter()
            .filter(|block| block.kind == Kind::Paragraph)
            .flat_map(|block| &block.lines)
            .any(|line| {
                let line = line.of(page.text);
                line.contains("_Requirements:")
                    || line.contains("_Depends:")
                    || line.contains("**Validates: Requirements")
            })
    };
    let waves = || {
        page.blocks.all.iter().any(|block| matches!(&block.kind, Kind::Fence(fence) if is_waves(&fence.body)))
    };
    let numbered = || boxes(page).filter(|item| is_numbered(item.content())).take(2).count() == 2;
    starred() || field() || waves() || numbered()
}

/// JSON with Kiro's graph of waves.
pub(crate) fn is_waves(body: &str) -> bool {
    body.trim_start().starts_with('{') && body.contains("\"waves\"")
}

/// `N. ` after the box.
fn is_numbered(content: &str) -> bool {
    let after = digits(content.trim_start()).and_then(|(_, rest)| rest.strip_prefix('.'));
    after.is_some_and(|rest| rest.starts_with(char::is_whitespace))
}

fn is_openspec(page: &Page<'_>) -> bool {
    let phase = page.headings.iter().any(|heading| heading.phase.is_some());
    let numbered = |section: usize| {
        let heading = &page.headings[section];
        page.blocks.sections[section].level == 2
            && heading.section.as_ref().is_some_and(|number| !number.contains('.'))
    };
    !phase && boxes(page).filter_map(|item| page.blocks.get(item.block).section).any(numbered)
}
