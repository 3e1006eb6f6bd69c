//! What a source file may say: which layers and crates it names, the environment, its documentation.

use super::Fault;
use super::paths::{Named, paths};

/// What one layer of a service may not name.
struct Layer {
    name: &'static str,
    /// Modules of the same crate.
    modules: &'static [&'static str],
    /// Other crates; `actix*` is the whole family.
    crates: &'static [&'static str],
    remedy: &'static str,
}

/// `http`, `consumers`, `jobs` → `app` → `store` → `domain`; layers that are not listed may name all.
const LAYERS: [Layer; 4] = [
    Layer {
        name: "domain",
        modules: &["app", "store", "http", "consumers", "jobs"],
        crates: &["actix*", "sea_orm*", "serde", "scrm_db", "scrm_mq", "scrm_http"],
        remedy: "domain is pure: take what it needs as an argument, and let the layer above translate",
    },
    Layer {
        name: "store",
        modules: &["app", "http", "consumers", "jobs"],
        crates: &["actix*"],
        remedy: "store takes and returns domain types: let app call it",
    },
    Layer {
        name: "app",
        modules: &["http", "consumers", "jobs"],
        crates: &["actix*"],
        remedy: "a use case knows nobody who calls it: let the caller translate its answer",
    },
    Layer {
        name: "http",
        modules: &["store"],
        crates: &["sea_orm*"],
        remedy: "a handler sees neither connection nor row: call a use case of app",
    },
];

/// Packages that may read the environment.
const ENVIRONMENT_READERS: [&str; 2] = ["shared/config", "shared/xtask"];

/// How a column of decimals is written.
const DECIMALS: [&str; 4] = ["Decimal", ".decimal(", ".decimal_len(", ".money("];

/// Checks one file of the package in the folder `package`; both are given from the root of the workspace.
pub(super) fn check_source(file: &str, package: &str, text: &str) -> Vec<Fault> {
    let inside = file.strip_prefix(package).unwrap_or(file).trim_start_matches('/');
    let fault = |line, rule, text| Fault { file: file.to_owned(), line, rule, text };
    let mut faults = Vec::new();
    if !starts_with_docs(text) {
        let remedy = "start with `//!`: what lives here, and what does not".to_owned();
        faults.push(fault(1, "module-docs", remedy));
    }
    if module_of(inside).iter().any(|part| part == "migration" || part == "entity") {
        let lines = text.lines().zip(1..).filter(|(line, _)| DECIMALS.iter().any(|word| line.contains(word)));
        faults.extend(lines.map(|(_, line)| {
            let remedy = "SQLite has no decimals: keep an amount in the smallest unit, as an integer";
            fault(line, "no-decimals", remedy.to_owned())
        }));
    }
    let may_read_environment = ENVIRONMENT_READERS.contains(&package) || inside == "build.rs";
    for named in paths(text, &module_of(inside)) {
        if !may_read_environment && named.path.starts_with(&["std".to_owned(), "env".to_owned()]) {
            let remedy = "std::env is used in shared/config only: take the value as a setting or an argument";
            faults.push(fault(named.line, "environment", remedy.to_owned()));
        }
        if package.starts_with("services/")
            && inside.starts_with("src/")
            && let Some(text) = out_of_layer(&named)
        {
            faults.push(fault(named.line, "layers", text));
        }
    }
    faults
}

/// Returns what is wrong with a path that its layer may not name.
fn out_of_layer(named: &Named) -> Option<String> {
    let layer = LAYERS.iter().find(|layer| named.module.first().is_some_and(|first| first == layer.name))?;
    let (first, second) = (named.path.first()?.as_str(), named.path.get(1).map(String::as_str));
    let culprit = if first == "crate" {
        let module = second.filter(|second| layer.modules.contains(second))?;
        format!("crate::{module}")
    } else {
        layer.crates.iter().find(|name| is_of(first, name))?;
        first.to_owned()
    };
    Some(format!("{} names {culprit}: {}", layer.name, layer.remedy))
}

/// Whether a crate is the one named, or of the family named.
fn is_of(krate: &str, name: &str) -> bool {
    match name.strip_suffix('*') {
        Some(family) => {
            krate == family || krate.strip_prefix(family).is_some_and(|rest| rest.starts_with('_'))
        }
        None => krate == name,
    }
}

/// Returns the module of a file within its crate: `src/http/leads.rs` is `["http", "leads"]`.
fn module_of(file: &str) -> Vec<String> {
    let inside = file.strip_prefix("src/").unwrap_or_default();
    if inside.starts_with("bin/") {
        return Vec::new();
    }
    let parts = inside.trim_end_matches(".rs").split('/');
    parts.filter(|part| !["lib", "main", "mod", ""].contains(part)).map(str::to_owned).collect()
}

fn starts_with_docs(text: &str) -> bool {
    let text = text.trim_start();
    text.starts_with("//!") || text.starts_with("#![doc")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(file: &str, text: &str) -> Vec<String> {
        let package = file.split('/').take(2).collect::<Vec<_>>().join("/");
        let text = format!("//! Docs.\n{text}");
        check_source(file, &package, &text).iter().map(ToString::to_string).collect()
    }

    /// The crates or modules named in the faults of one line in a layer.
    fn culprits(file: &str, text: &str) -> Vec<String> {
        let faults = faults(&format!("services/leads/src/{file}"), text);
        faults.iter().map(|fault| fault.split(' ').nth(4).unwrap().trim_end_matches(':').to_owned()).collect()
    }

    #[test]
    fn a_handler_that_names_the_store_is_told_what_to_do() {
        let found = faults("services/leads/src/http/leads.rs", "use crate::store::lead;");
        let expected = "services/leads/src/http/leads.rs:2: layers: http names crate::store: \
                        a handler sees neither connection nor row: call a use case of app";
        assert_eq!(found, [expected]);
    }

    #[test]
    fn each_layer_refuses_what_lies_above_it() {
        let all = "use crate::{app, consumers, domain, http, jobs, store};";
        let cases = [
            ("domain/lead.rs", "crate::app crate::consumers crate::http crate::jobs crate::store"),
            ("store/lead.rs", "crate::app crate::consumers crate::http crate::jobs"),
            ("app/mod.rs", "crate::consumers crate::http crate::jobs"),
            ("http/mod.rs", "crate::store"),
            ("consumers/mod.rs", ""),
            ("jobs/unanswered.rs", ""),
            ("lib.rs", ""),
        ];
        for (file, expected) in cases {
            assert_eq!(culprits(file, all).join(" "), expected, "{file}");
        }
    }

    #[test]
    fn each_layer_refuses_the_crates_of_another() {
        let all = "use {actix_web::web, sea_orm::Set, serde::Serialize, scrm_db::Db, scrm_kernel::LeadId};";
        let cases = [
            ("domain.rs", "actix_web sea_orm serde scrm_db"),
            ("store/entity/lead.rs", "actix_web"),
            ("app/assign_lead.rs", "actix_web"),
            ("http/dto.rs", "sea_orm"),
        ];
        for (file, expected) in cases {
            assert_eq!(culprits(file, all).join(" "), expected, "{file}");
        }
        assert_eq!(culprits("domain/lead.rs", "#[derive(serde::Serialize)]"), ["serde"]);
        assert_eq!(culprits("store/lead.rs", "use actix_rt::spawn; use actixlike::x;"), ["actix_rt"]);
    }

    #[test]
    fn a_way_round_through_super_is_found() {
        assert_eq!(
            culprits("http/leads.rs", "fn f() { super::super::store::lead::find() }"),
            ["crate::store"]
        );
        assert_eq!(culprits("lib.rs", "mod http { use super::store; }"), ["crate::store"]);
    }

    #[test]
    fn layers_are_a_matter_of_a_services_own_source() {
        for file in ["services/leads/tests/it/http.rs", "shared/http/src/domain/x.rs"] {
            assert!(faults(file, "use crate::store; use sea_orm::Set;").is_empty(), "{file}");
        }
    }

    #[test]
    fn the_environment_is_read_in_few_places() {
        let reading = "use std::{env, fs};";
        for file in ["services/leads/src/main.rs", "shared/db/src/lib.rs", "services/leads/tests/it/main.rs"]
        {
            let found = faults(file, reading);
            assert!(found.len() == 1 && found[0].contains(":2: environment: "), "{found:?}");
        }
        for file in ["shared/config/src/lib.rs", "shared/xtask/src/main.rs", "services/leads/build.rs"] {
            assert!(faults(file, reading).is_empty(), "{file}");
        }
        assert!(
            faults("shared/db/src/lib.rs", "const PATH: &str = env!(\"CARGO_MANIFEST_DIR\");").is_empty()
        );
    }

    #[test]
    fn no_column_has_decimals() {
        for (file, text) in [
            ("migration/m001_order.rs", "ColumnDef::new(Order::Amount).decimal_len(18, 2)"),
            ("store/entity/order.rs", "pub(crate) amount: Decimal,"),
        ] {
            let found = faults(&format!("services/leads/src/{file}"), text);
            assert!(found.len() == 1 && found[0].contains(":2: no-decimals: "), "{found:?}");
        }
        assert!(faults("shared/kernel/src/money.rs", "use rust_decimal::Decimal;").is_empty());
    }

    #[test]
    fn a_file_starts_with_its_docs() {
        let check = |text: &str| check_source("shared/db/src/lib.rs", "shared/db", text);
        assert!(check("\n//! Docs.").is_empty());
        assert!(check("#![doc = include_str!(\"../README.md\")]").is_empty());
        for text in ["", "use std::fs;\n//! Late.", "/// Docs of something else.\nfn f() {}"] {
            let found = check(text);
            assert_eq!(found.len(), 1, "{text}");
            assert_eq!((found[0].line, found[0].rule), (1, "module-docs"));
        }
    }
}
