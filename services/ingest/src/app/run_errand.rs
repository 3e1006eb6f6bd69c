//! Following up what an enterprise did with a suite: exchanging its code, or reading what it changed.

use scrm_db::Txn;
use scrm_kernel::{CorpId, WecomCorpId, crash};
use scrm_wecom::client::suite::{Granted, SuiteSpeaker};
use scrm_wecom::client::token::AccessToken;
use scrm_wecom::client::{CallError, Class};
use sea_orm::DbErr;
use secrecy::SecretString;

use super::App;
use crate::domain::connection::{self, ApiUrl};
use crate::domain::suite::{Authorization, CODE_LIFE, Suite, app_name, pause_after};
use crate::store;
use crate::store::address::Holder;
use crate::store::errand::{Subject, Taken};

/// How often a changed authorisation is read in vain before a person has to look.
const MOST_ATTEMPTS: u32 = 8;

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

        let txn = self.db.begin().await?;
        let corp = self.authorize(&txn, &suite, errand, &granted).await?;
        if !store::errand::done(&txn, errand).await? {
            return Ok(()); // Whoever took it after the lease had ended will say what became of it.
        }
        crash::point("errand.kept");
        txn.commit().await?;
        self.forget_receivers();
        let wecom_corp = &granted.authorization.corp;
        tracing::info!(
            suite.name = %suite.name, corp.id = %corp, wecom.corp = %wecom_corp,
            "{wecom_corp} authorised the suite {}", suite.name
        );
        Ok(())
    }

    /// Keeps an authorisation: the enterprise, which may be new here, its app, and its permanent code.
    async fn authorize(
        &self,
        txn: &Txn,
        suite: &Suite,
        errand: &Taken,
        granted: &Granted,
    ) -> Result<CorpId, Broken> {
        let told = &granted.authorization;
        let corp = store::corp::of_wecom(txn, &told.corp).await?;
        let name = app_name(&suite.name, &told.corp);
        if !store::address::hold(txn, corp, &name, Holder::App).await? {
            return Err(Broken::ForGood(format!("the name {name} is taken by another app or suite")));
        }
        let app = connection::App {
            name: name.clone(),
            corp,
            wecom_corp: told.corp.clone(),
            kind: suite.kind.app(),
            suite: Some(suite.name.clone()),
            is_authorized: true,
            agent_id: told.agent_id.unwrap_or_default(),
            version: 1,
            updated_at: txn.now(),
            api_url: suite.api_url.clone(),
        };
        store::app::put_authorized(txn, &suite.name, &app).await?;
        let authorization = Authorization {
            wecom_corp: told.corp.clone(),
            corp_name: told.corp_name.clone(),
            corp: Some(corp),
            app: Some(name.clone()),
            is_active: true,
            decided: errand.told,
        };
        if store::authorization::grant(txn, &self.keys, suite, &authorization, &granted.permanent_code)
            .await?
        {
            // A token of the code before is dead.
            store::token::forget(txn, corp, &name).await?;
        }
        store::callback::find_place_again(txn, suite.corp, &suite.name).await?;
        Ok(corp)
    }

    /// Reads what an enterprise allows now.
    async fn refresh(&self, errand: &Taken, wecom_corp: &WecomCorpId) -> Result<(), Broken> {
        let suite = self.suite_of(errand).await?;
        let opened =
            store::authorization::open(self.db.reader(), &self.keys, &suite.name, wecom_corp).await?;
        let Some((Authorization { corp: Some(corp), .. }, Some(code))) = opened else {
            return Err(Broken::ForGood(format!("{wecom_corp} has not authorised the suite")));
        };
        let url = suite.url();
        let token = self.suite_token(&errand.suite).await.map_err(CallError::from)?;
        let speaker = SuiteSpeaker { http: &self.wecom, base_url: url.as_str(), token: &token };
        let told = match speaker.authorization(wecom_corp, &code).await {
            Ok(told) => told,
            Err(error) => return Err(self.refused(&suite, &token, error).await),
        };
        let app = connection::App {
            name: app_name(&suite.name, wecom_corp),
            corp,
            wecom_corp: wecom_corp.clone(),
            kind: suite.kind.app(),
            suite: Some(suite.name.clone()),
            is_authorized: true,
            agent_id: told.agent_id.unwrap_or_default(),
            version: 1,
            updated_at: self.clock.now(),
            api_url: suite.api_url.clone(),
        };
        let txn = self.db.begin().await?;
        store::app::put_authorized(&txn, &suite.name, &app).await?;
        store::authorization::rename(&txn, &suite.name, wecom_corp, &told.corp_name).await?;
        if store::errand::done(&txn, errand).await? {
            txn.commit().await?;
        }
        Ok(())
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
        let problem = match error {
            CallError::Token(cause) => format!("{error}: {cause}"),
            error => error.to_string(),
        };
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

impl Suite {
    /// Returns where its WeCom is.
    pub(crate) fn url(&self) -> ApiUrl {
        self.api_url.clone().unwrap_or_else(ApiUrl::public)
    }
}
