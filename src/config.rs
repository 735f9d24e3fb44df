//! Flags, environment and file become a checked configuration: each default and each check stands here
//! once. Precedence: flag, environment, file, systemd credential, default.

pub(crate) mod attributes;
mod credential;
pub(crate) mod file;
pub(crate) mod sample;
pub(crate) mod show;

use std::env::VarError;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use reqwest::Url;

use self::file::nearest::distance;
use crate::cli::{
    Cli, PasswordArgs, PasswordEncoding, PasswordRoute, PolicyOf, RunArgs, ServiceArgs, ShardArg, Tables,
    TokenAuth,
};
use crate::domain::attribute::Attribute;
use crate::domain::secret::Secret;
use crate::domain::shard::Shard;
use crate::domain::text;
use crate::files::private::{read_private, without_line_break};
use crate::notices::{Around, NoticesTable, PasswordInMail, Settings};
use crate::scim::auth::{ClientAuth, Credentials};
use crate::scim::http;
use crate::scim::platform::Platform;

/// Who and where the service is.
#[derive(Debug)]
pub(crate) struct Service {
    /// SCIM base.
    pub(crate) base: Url,
    /// The vendor's platform API beside it, where there is one.
    pub(crate) platform: Option<Url>,
    /// How to get a token.
    pub(crate) credentials: Credentials,
    /// How to connect to it.
    pub(crate) http: http::Options,
    /// How to connect to the token endpoint. Each stays off the proxy if it is on this machine.
    pub(crate) token_http: http::Options,
}

/// What the tables of the configuration file say.
#[derive(Debug, Default)]
pub(crate) struct Further {
    /// The further attributes that rows may set.
    pub(crate) attributes: Arc<[Attribute]>,
    notices: Option<toml::Value>,
    serve: Option<toml::Value>,
    /// Where paths in the file start.
    folder: PathBuf,
}

impl Further {
    /// Checks the tables.
    pub(crate) fn of(cli: &Cli) -> Result<Self, Misconfigured> {
        Self::of_tables(&cli.tables, cli.config.as_deref())
    }

    /// The same of the tables of this file.
    fn of_tables(tables: &Tables, config: Option<&Path>) -> Result<Self, Misconfigured> {
        let attributes = attributes::attributes(tables.attributes.as_ref())?;
        let folder = config.and_then(Path::parent).unwrap_or(Path::new("")).to_owned();
        let serve = tables.serve.clone();
        Ok(Self { attributes, notices: tables.notices.clone(), serve, folder })
    }

    /// How the service is set up, if `[serve]` says so.
    pub(crate) const fn serve(&self) -> Option<&toml::Value> {
        self.serve.as_ref()
    }

    /// Where paths in the file start.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// How users are told, if `[notices]` says so.
    pub(crate) fn notices(&self, password_in_mail: bool) -> Result<Option<Settings>, Misconfigured> {
        let Some(table) = &self.notices else { return Ok(None) };
        let table: NoticesTable = table.clone().try_into().map_err(|error| {
            let why = text::wrong_setting(error.message());
            wrong(format!("[notices] {}", why.as_deref().unwrap_or(text::WRONG_KIND)))
        })?;
        let smtp_password = flag_or_env(None, &[SMTP_PASSWORD])?.map(Secret::new);
        let password = if password_in_mail { PasswordInMail::WithConsent } else { PasswordInMail::No };
        let smtp_credential = credential::path(credential::SMTP_PASSWORD);
        let webhook_credential = credential::path(credential::WEBHOOK_AUTHORIZATION);
        let around =
            Around { folder: &self.folder, smtp_password, smtp_credential, webhook_credential, password };
        table.check(around).map(Some).map_err(|unfit| wrong(unfit.to_string()))
    }
}

/// The password of the mail server, where no file has it.
const SMTP_PASSWORD: &str = "SCIM_REKEY_SMTP_PASSWORD";

/// A setting that cannot be used: exit code 78, unless a file is missing.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Misconfigured(pub(crate) String);

/// AWS names and the vendor's domains.
const REGIONS: [(&str, &str); 18] = [
    ("us-east-1", "mypurecloud.com"),
    ("us-east-2", "use2.us-gov-pure.cloud"),
    ("us-west-2", "usw2.pure.cloud"),
    ("ca-central-1", "cac1.pure.cloud"),
    ("sa-east-1", "sae1.pure.cloud"),
    ("mx-central-1", "mxc1.pure.cloud"),
    ("eu-west-1", "mypurecloud.ie"),
    ("eu-west-2", "euw2.pure.cloud"),
    ("eu-central-1", "mypurecloud.de"),
    ("eu-central-2", "euc2.pure.cloud"),
    ("eusc-de-east-1", "edee1.eusc-pure.cloud"),
    ("ap-northeast-1", "mypurecloud.jp"),
    ("ap-northeast-2", "apne2.pure.cloud"),
    ("ap-northeast-3", "apne3.pure.cloud"),
    ("ap-south-1", "aps1.pure.cloud"),
    ("ap-southeast-1", "apse1.pure.cloud"),
    ("ap-southeast-2", "mypurecloud.com.au"),
    ("me-central-1", "mec1.pure.cloud"),
];
const DEFAULT_REGION: &str = "mypurecloud.com";

/// Settles where the service is and who we are to it.
pub(crate) fn service(args: &RunArgs) -> Result<Service, Misconfigured> {
    let flags = &args.service;
    let Places { base, token_url } = places(flags)?;
    let client_id =
        flag_or_env(flags.client_id.as_ref(), &["GENESYS_CLIENT_ID", "GENESYSCLOUD_OAUTHCLIENT_ID"])?;
    let client_id = client_id.map_or_else(|| credential::text(credential::CLIENT_ID), |id| Ok(Some(id)))?;
    let client_id = client_id.ok_or_else(|| {
        wrong("no client id: set GENESYS_CLIENT_ID or --client-id, or rehearse with --sandbox")
    })?;
    let credentials = Credentials {
        url: token_url,
        client_id,
        client_secret: secret(flags, args.input.input.as_os_str() == "-")?,
        client_auth: client_auth(flags.token_auth),
        scope: flags.scope.clone(),
    };
    let http = http_options(args, is_loopback(&base))?;
    let token_http = http::Options { loopback: is_loopback(&credentials.url), ..http.clone() };
    let platform = Platform::beside(&base);
    check_passwords(&args.passwords, &base, platform.as_ref())?;
    Ok(Service { base, platform, credentials, http, token_http })
}

/// Where a service is.
struct Places {
    base: Url,
    token_url: Url,
}

/// The addresses that are given, and those that follow from the region.
fn places(flags: &ServiceArgs) -> Result<Places, Misconfigured> {
    let region = flag_or_env(flags.region.as_ref(), &["GENESYS_REGION", "GENESYSCLOUD_REGION"])?;
    refuse_two_places(flags)?;
    let region = domain(region.as_deref().unwrap_or(DEFAULT_REGION))?;
    let base = flag_or_env(flags.scim_url.as_ref(), &["GENESYS_SCIM_URL"])?
        .unwrap_or_else(|| format!("https://api.{region}/api/v2/scim/v2"));
    let token_url = flag_or_env(flags.token_url.as_ref(), &["GENESYS_TOKEN_URL"])?
        .unwrap_or_else(|| format!("https://login.{region}/oauth/token"));
    Ok(Places { base: endpoint("--scim-url", &base)?, token_url: endpoint("--token-url", &token_url)? })
}

/// The part of the rows that is this machine's, unless all are.
pub(crate) fn shard(args: &RunArgs) -> Result<Option<Shard>, Misconfigured> {
    const INDEX: &str = "JOB_COMPLETION_INDEX";
    let of = match args.unattended.shard {
        None => return Ok(None),
        Some(ShardArg::Told(shard)) => return Ok(Some(shard)),
        Some(ShardArg::Auto(of)) => of,
    };
    let index = flag_or_env(None, &[INDEX])?;
    let Some(index) = index else { return Err(wrong(format!("--shard auto/{of} needs {INDEX}"))) };
    // Kubernetes counts from 0.
    let number = index.parse::<u32>().ok().and_then(|index| index.checked_add(1));
    let shard = number.and_then(|number| Shard::new(number, of));
    shard
        .map(Some)
        .ok_or_else(|| wrong(format!("--shard auto/{of}: {INDEX} is not a number from 0 to {}", of - 1)))
}

/// The built-in sandbox as a service.
pub(crate) fn sandbox_service(
    args: &RunArgs,
    scim_url: &str,
    token_url: &str,
    client_id: &str,
    client_secret: &str,
) -> Result<Service, Misconfigured> {
    let credentials = Credentials {
        url: endpoint("--token-url", token_url)?,
        client_id: client_id.to_owned(),
        client_secret: Secret::new(client_secret.to_owned()),
        client_auth: client_auth(args.service.token_auth),
        scope: None,
    };
    let http = http_options(args, true)?;
    let base = endpoint("--scim-url", scim_url)?;
    let platform = Platform::beside(&base);
    Ok(Service { base, platform, credentials, token_http: http.clone(), http })
}

/// What would set digests as passwords, or needs an API that is not there, is refused before anything is sent.
fn check_passwords(args: &PasswordArgs, base: &Url, platform: Option<&Url>) -> Result<(), Misconfigured> {
    let host = base.host_str().unwrap_or_default();
    if args.password_encoding != PasswordEncoding::Plain
        && is_the_vendors(host)
        && !args.force_password_encoding
    {
        return Err(wrong(format!(
            "--password-encoding sha256-hex would make the digest itself the password at {host}; \
             --force-password-encoding sends it all the same"
        )));
    }
    let asked = [
        (args.password_route == PasswordRoute::Platform, "--password-route platform"),
        (args.revoke_sessions, "--revoke-sessions"),
        (args.password_policy == PolicyOf::Organization, "--password-policy organization"),
    ];
    let needs = asked.into_iter().find(|(asked, _)| *asked && platform.is_none());
    needs.map_or(Ok(()), |(_, flag)| {
        Err(wrong(format!("{flag} is the vendor's platform API, of which {base} shows nothing: its path does not end in /api/v2/scim/v2")))
    })
}

/// The region that an address is in, by AWS name and domain.
pub(crate) fn region_of(url: &Url) -> Option<(&'static str, &'static str)> {
    let host = url.host_str()?.trim_end_matches('.');
    let is_in = |domain: &str| host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'));
    REGIONS.into_iter().find(|(_, domain)| is_in(domain))
}

/// Whether a host is in one of the vendor's domains, whichever the region: `mypurecloud.*`, or `pure.cloud`
/// and what ends in it, such as `us-gov-pure.cloud`.
pub(crate) fn is_the_vendors(host: &str) -> bool {
    let host = host.trim_end_matches('.');
    host.split('.').any(|part| part == "mypurecloud") || host.ends_with("pure.cloud")
}

const fn client_auth(flag: TokenAuth) -> ClientAuth {
    match flag {
        TokenAuth::Basic => ClientAuth::Basic,
        TokenAuth::Body => ClientAuth::Body,
    }
}

fn http_options(args: &RunArgs, loopback: bool) -> Result<http::Options, Misconfigured> {
    let ca_pem =
        args.service.ca_file.as_deref().map(|path| {
            fs::read(path).map_err(|error| wrong(format!("--ca-file {}: {error}", path.display())))
        });
    Ok(http::Options {
        request_timeout: args.pace.request_timeout,
        concurrency: args.pace.concurrency.into(),
        ca_pem: ca_pem.transpose()?,
        loopback,
        #[cfg(test)]
        network: None,
    })
}

/// A region on the command line and an address left over in the environment: one of them is a
/// mistake, and a run against the wrong service would look like a success.
fn refuse_two_places(flags: &ServiceArgs) -> Result<(), Misconfigured> {
    let addresses = [("GENESYS_SCIM_URL", &flags.scim_url), ("GENESYS_TOKEN_URL", &flags.token_url)];
    for (name, flag) in addresses {
        if flags.region.is_some() && flag.is_none() && flag_or_env(None, &[name])?.is_some() {
            return Err(wrong(format!("--region and {name} both say where the service is: unset {name}")));
        }
    }
    Ok(())
}

/// A region by AWS name or as a domain. New ones appear, so any domain is taken.
fn domain(region: &str) -> Result<&str, Misconfigured> {
    if let Some((_, domain)) = REGIONS.iter().find(|(aws, _)| *aws == region) {
        return Ok(domain);
    }
    let plain = region.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-'));
    if plain && region.contains('.') {
        return Ok(region);
    }
    let nearest = REGIONS.iter().map(|(aws, _)| *aws).min_by_key(|aws| distance(aws, region));
    let hint = nearest.filter(|aws| distance(aws, region) <= 3);
    let hint = hint.map_or_else(String::new, |aws| format!("; did you mean {aws}?"));
    Err(wrong(format!(
        "--region {region:?} is neither an AWS region known here nor a domain such as mypurecloud.de{hint}"
    )))
}

/// A URL that secrets may be sent to: https, or http to this machine.
fn endpoint(name: &str, text: &str) -> Result<Url, Misconfigured> {
    let mut url = Url::parse(text).map_err(|error| wrong(format!("{name} is not a URL: {error}")))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong(format!("{name} must not carry a user name or password")));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(wrong(format!("{name} must not carry a query or fragment")));
    }
    // Two ways to write one service must be one service: the lock and the run folder go by it.
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback(&url) => Ok(url),
        "http" => Err(wrong(format!("{name} is plain http, which is accepted for loopback addresses only"))),
        other => Err(wrong(format!("{name} has the scheme {other}; expected https"))),
    }
}

/// Loopback by address, or by the one name that always means it.
fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback())
}

/// The client secret, from a file, standard input, the environment or a systemd credential. One final line
/// break of a file is not part of it.
fn secret(flags: &ServiceArgs, input_is_stdin: bool) -> Result<Secret, Misconfigured> {
    let text = match flags.client_secret_file.as_deref() {
        Some(path) if path == Path::new("-") && input_is_stdin => {
            return Err(wrong("standard input cannot be both INPUT and the client secret"));
        }
        Some(path) => without_line_break(read_secret(path)?),
        None => flag_or_env(None, &["GENESYS_CLIENT_SECRET", "GENESYSCLOUD_OAUTHCLIENT_SECRET"])?
            .map_or_else(|| credential::text(credential::CLIENT_SECRET), |text| Ok(Some(text)))?
            .ok_or_else(|| wrong("no client secret: set GENESYS_CLIENT_SECRET or --client-secret-file"))?,
    };
    if text.is_empty() { Err(wrong("the client secret is empty")) } else { Ok(Secret::new(text)) }
}

fn read_secret(path: &Path) -> Result<String, Misconfigured> {
    let failed = |why: String| wrong(format!("--client-secret-file {why}"));
    if path == Path::new("-") {
        return std::io::read_to_string(std::io::stdin())
            .map_err(|error| failed(format!("(a path, not the secret): {error}")));
    }
    read_private(path).map_err(failed)
}

/// The flag, or the first of the variables that is set and not empty.
fn flag_or_env(flag: Option<&String>, names: &[&str]) -> Result<Option<String>, Misconfigured> {
    if let Some(flag) = flag {
        return Ok(Some(flag.clone()));
    }
    for name in names {
        match std::env::var(name) {
            Ok(value) if !value.is_empty() => return Ok(Some(value)),
            Ok(_) | Err(VarError::NotPresent) => {}
            Err(VarError::NotUnicode(_)) => return Err(wrong(format!("{name} is not UTF-8"))),
        }
    }
    Ok(None)
}

fn wrong(words: impl Into<String>) -> Misconfigured {
    Misconfigured(words.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_go_by_either_name() {
        assert_eq!(domain("eu-central-1").unwrap(), "mypurecloud.de");
        assert_eq!(domain("euw2.pure.cloud").unwrap(), "euw2.pure.cloud");
        for bad in ["", "eu-central-9", "a b.c", "x.y/z", "user@evil.test"] {
            assert!(domain(bad).is_err(), "{bad}");
        }
        let why = |region: &str| domain(region).unwrap_err().to_string();
        assert!(why("eu-central-9").ends_with("; did you mean eu-central-1?"));
        assert!(why("eu-cental-2").ends_with("; did you mean eu-central-2?"));
        assert!(!why("nowhere").contains("did you mean"));
    }

    #[test]
    fn every_region_is_known_as_the_vendors() {
        for (_, domain) in REGIONS {
            assert!(is_the_vendors(&format!("api.{domain}")), "{domain}");
        }
        let region = |url: &str| region_of(&Url::parse(url).unwrap()).map(|(name, _)| name);
        assert_eq!(region("https://api.mypurecloud.com.au/x"), Some("ap-southeast-2"));
        assert_eq!(region("https://login.mypurecloud.com"), Some("us-east-1"));
        assert_eq!(region("https://api.notmypurecloud.com"), None);
        assert!(is_the_vendors("api.mypurecloud.de.") && !is_the_vendors("scim.example.com"));
    }

    #[test]
    fn secrets_go_to_https_or_to_this_machine() {
        for good in
            ["https://a.example.com/x", "http://127.0.0.1:8080", "http://[::1]/s", "http://localhost:1"]
        {
            assert!(endpoint("--scim-url", good).is_ok(), "{good}");
        }
        for bad in [
            "http://a.example.com",
            "http://127.0.0.1.example.com",
            "ftp://127.0.0.1",
            "a",
            "http://10.0.0.1",
            "https://u:p@a.example.com",
            "https://a.example.com/?x",
            "http://localhost.example.com",
        ] {
            assert!(endpoint("--scim-url", bad).is_err(), "{bad}");
        }
    }
}
