//! Following up what an enterprise did with a suite: exchanging its code, or reading what it changed.

use scrm_db::Txn;
use scrm_kernel::{CorpId, WecomCorpId, crash};
use scrm_wecom::client::suite::{Authorization as Told, Granted, SuiteSpeaker};
use scrm_wecom::client::token::AccessToken;
use scrm_wecom::client::{CallError, Class};
use sea_orm::DbErr;
use secrecy::SecretString;

use super::App;
use crate::domain::connection;
use crate::domain::suite::{Authorization, CODE_LIFE, Suite, app_name, pause_after};
use crate::store;
use crate::store::address::Holder;
use crate::store::errand::{Subject, Taken};

/// How often a changed authorisation is read in vain before a person has to look.
const MOST_ATTEMPTS: u32 = 8;
/// How often the database may fail to keep what a code was exchanged for.
const MOST_FAILURES: u32 = 10;

/// Why an errand was not done.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error(transparent)]
    Call(#[from] CallError),
    #[error("{0}")]
    ForGood(String),
    #[error(transparent)]
    Database(#[from] DbErr),
}

impl App {
    /// Lets everything be tried at once that a process before this one left behind, where there is one process.
    pub(crate) async fn take_back_errands(&self) -> Result<(), DbErr> {
        if self.db.is_sqlite() {
            store::errand::take_back(self.db.writer(), self.clock.now()).await?;
        }
        Ok(())
    }

    /// Takes an errand that is due and tries it; `false` when there is none.
    pub(crate) async fn run_errand(&self) -> Result<bool, DbErr> {
        let Some(errand) = store::errand::take(&self.db, &self.keys).await? else { return Ok(false) };
        crash::point("errand.taken");
        let outcome = match &errand.subject {
            Subject::Code(code) => self.exchange(&errand, code).await,
            Subject::Corp(wecom_corp) => self.refresh(&errand, wecom_corp).await,
        };
        match outcome {
            Ok(()) => {}
            Err(Broken::Database(error)) => return Err(error),
            Err(Broken::ForGood(problem)) => self.give_up(&errand, &problem).await?,
            Err(Broken::Call(error)) => self.put_off(&errand, &error).await?,
        }
        Ok(true)
    }

    /// Exchanges a code for the right to speak for whoever gave it.
    async fn exchange(&self, errand: &Taken, code: &SecretString) -> Result<(), Broken> {
        let suite = self.suite_of(errand).await?;
        let url = suite.url();
        let token = self.suite_token(&errand.suite).await.map_err(CallError::from)?;
        let speaker = SuiteSpeaker { http: &self.wecom, base_url: url.as_str(), token: &token };
        let exchanged = speaker.exchange(code).await;
        crash::point("errand.exchanged");
        let granted = match exchanged {
            Ok(granted) => granted,
            Err(error) => return Err(self.refused(&suite, &token, error).await),
        };

        // The code is used up, so what it was exchanged for must not be lost to a database that fails for a moment.
        let mut failures = 0;
        loop {
            match self.keep(&suite, errand, &granted).await {
                Err(Broken::Database(error)) if failures < MOST_FAILURES => {
                    failures += 1;
                    tracing::warn!(suite.name = %suite.name, error = %error, "Cannot keep an authorisation, trying again");
                    tokio::time::sleep(pause_after(failures)).await;
                }
                outcome => return outcome,
            }
        }
    }

    /// Keeps an authorisation, unless the enterprise has taken it back since, and settles its errand.
    async fn keep(&self, suite: &Suite, errand: &Taken, granted: &Granted) -> Result<(), Broken> {
        let txn = self.db.begin().await?;
        store::suite::lock(&txn, suite.name.as_str()).await?;
        let is_granted = self.authorize(&txn, suite, errand, granted).await?;
        store::errand::exchanged(&txn, errand).await?;
        crash::point("errand.kept");
        txn.commit().await?;
        self.forget_receivers();
        let (wecom_corp, name) = (&granted.authorization.corp, &suite.name);
        let news = if is_granted { "authorised" } else { "has cancelled since" };
        tracing::info!(suite.name = %name, wecom.corp = %wecom_corp, "{wecom_corp} {news}: the suite {name}");
        Ok(())
    }

    /// Writes an authorisation: the enterprise, which may be new here, its app, and its permanent code; `false` if the
    /// enterprise did something newer.
    async fn authorize(
        &self,
        txn: &Txn,
        suite: &Suite,
        errand: &Taken,
        granted: &Granted,
    ) -> Result<bool, Broken> {
        let told = &granted.authorization;
        let corp = store::corp::of_wecom(txn, &told.corp).await?;
        // What a suite's own WeCom says of an enterprise of another WeCom proves nothing.
        let known = store::app::all(txn, corp).await?;
        if known.iter().any(|app| app.url() != suite.url()) {
            let problem = format!("{} is connected to another WeCom than that of the suite", told.corp);
            return Err(Broken::ForGood(problem));
        }
        let app = self.app_of(suite, told, corp);
        let is_held = store::address::hold(txn, corp, &app.name, Holder::App).await?;
        if !is_held || !store::app::put_authorized(txn, &suite.name, &app).await? {
            return Err(Broken::ForGood(format!("the name {} is taken by another app or suite", app.name)));
        }
        let authorization = Authorization {
            wecom_corp: told.corp.clone(),
            corp_name: told.corp_name.clone(),
            corp: Some(corp),
            app: Some(app.name.clone()),
            is_active: true,
            decided: errand.told,
        };
        let code = &granted.permanent_code;
        let is_granted = store::authorization::grant(txn, &self.keys, suite, &authorization, code).await?;
        if is_granted {
            // A token of the code before is dead.
            store::token::forget(txn, corp, &app.name).await?;
        }
        store::callback::find_place_again(txn, suite.corp, &suite.name).await?;
        Ok(is_granted)
    }

    /// Returns the app that an enterprise has from a suite.
    fn app_of(&self, suite: &Suite, told: &Told, corp: CorpId) -> connection::App {
        connection::App {
            name: app_name(&suite.name, &told.corp),
            corp,
            wecom_corp: told.corp.clone(),
            kind: suite.kind.app(),
            suite: Some(suite.name.clone()),
            is_authorized: true,
            agent_id: told.agent_id.unwrap_or_default(),
            version: 1,
            updated_at: self.clock.now(),
            api_url: suite.api_url.clone(),
        }
    }

    /// Reads what an enterprise allows now.
    async fn refresh(&self, errand: &Taken, wecom_corp: &WecomCorpId) -> Result<(), Broken> {
        let suite = self.suite_of(errand).await?;
        let opened =
            store::authorization::open(self.db.reader(), &self.keys, &suite.name, wecom_corp).await?;
        let Some((Authorization { corp: Some(corp), .. }, Some(code))) = opened else {
            // A code on its way will tell how things are now; after a cancellation nothing is to be told.
            return self.end(errand).await;
        };
        let url = suite.url();
        let token = self.suite_token(&errand.suite).await.map_err(CallError::from)?;
        let speaker = SuiteSpeaker { http: &self.wecom, base_url: url.as_str(), token: &token };
        let told = match speaker.authorization(wecom_corp, &code).await {
            Ok(told) => told,
            Err(error) => return Err(self.refused(&suite, &token, error).await),
        };
        let app = self.app_of(&suite, &told, corp);
        let txn = self.db.begin().await?;
        store::app::put_authorized(&txn, &suite.name, &app).await?;
        store::authorization::rename(&txn, &suite.name, wecom_corp, &told.corp_name).await?;
        store::errand::done(&txn, errand).await?;
        Ok(txn.commit().await?)
    }

    /// Ends an errand for which nothing is to be done any more.
    async fn end(&self, errand: &Taken) -> Result<(), Broken> {
        let txn = self.db.begin().await?;
        store::errand::done(&txn, errand).await?;
        Ok(txn.commit().await?)
    }

    async fn suite_of(&self, errand: &Taken) -> Result<Suite, Broken> {
        let found = store::suite::open(self.db.reader(), &self.keys, errand.suite.as_str()).await?;
        found.map(|(suite, _)| suite).ok_or_else(|| Broken::ForGood("the suite is gone".to_owned()))
    }

    /// Drops the suite's token if WeCom refuses it, so that the next attempt has another one.
    async fn refused(&self, suite: &Suite, token: &AccessToken, error: CallError) -> Broken {
        if error.class() == Class::RefreshToken {
            let dropped = self.drop_refused_token(suite.corp, suite.name.as_str(), token).await;
            if let Err(error) = dropped {
                return Broken::Call(error.into());
            }
        }
        Broken::Call(error)
    }

    /// Tries again later what may still work; a code that has expired cannot.
    async fn put_off(&self, errand: &Taken, error: &CallError) -> Result<(), DbErr> {
        let next = self.clock.now() + pause_after(errand.attempts);
        let problem = error.to_string();
        let is_over = match errand.subject {
            Subject::Code(_) => next > errand.told.at + CODE_LIFE,
            Subject::Corp(_) => errand.attempts >= MOST_ATTEMPTS,
        };
        if is_over || error.class() == Class::Stop {
            return self.give_up(errand, &problem).await;
        }
        tracing::warn!(suite.name = %errand.suite, problem, "Cannot follow up an authorisation, trying again");
        store::errand::put_off(self.db.writer(), errand, next, &problem).await
    }

    async fn give_up(&self, errand: &Taken, problem: &str) -> Result<(), DbErr> {
        let (name, kind) = (&errand.suite, errand.kind.as_str());
        tracing::error!(suite.name = %name, problem, "The {kind} of the suite {name} failed: let it be done anew");
        let txn = self.db.begin().await?;
        store::errand::fail(&txn, errand, problem).await?;
        txn.commit().await
    }
}
