//! The API's client: HTTPS with the authority pinned and the person's own certificate.

use std::io::BufReader;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use api::Problem;
use serde::Serialize;
use serde::de::DeserializeOwned;
use ureq::http::Response;
use ureq::tls::{Certificate, ClientCert, PemItem, PrivateKey, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, Body};

use crate::failure::Failure;
use crate::profile::Folder;

/// A connection to one Lodge server.
pub struct Client {
    agent: Agent,
    server: String,
}

impl Client {
    /// Connects as whoever is signed in.
    pub fn signed_in(folder: &Folder) -> Result<Client> {
        let profile = folder.profile()?;
        let chain = certificates(&folder.read("tls.crt")?)?;
        let key = PrivateKey::from_pem(folder.read("tls.key")?.as_bytes())
            .context("tls.key is damaged; run `lodge login` again")?;
        let roots = certificates(&folder.read("ca.pem")?)?;
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::new_with_certs(&roots))
            .client_cert(Some(ClientCert::new_with_certs(&chain, key)));
        Ok(Client { agent: agent(tls.build()), server: profile.server })
    }

    /// Connects as nobody, trusting one set of authorities (PEM).
    pub fn anonymous(server: &str, authorities: &str) -> Result<Client> {
        let roots = certificates(authorities)?;
        let tls = TlsConfig::builder().root_certs(RootCerts::new_with_certs(&roots)).build();
        Ok(Client { agent: agent(tls), server: server.to_owned() })
    }

    /// Connects without knowing the authorities yet. Only for fetching what is then held against a fingerprint.
    pub fn unverified(server: &str) -> Client {
        let tls = TlsConfig::builder().disable_verification(true).build();
        Client { agent: agent(tls), server: server.to_owned() }
    }

    /// Asks for a JSON answer.
    pub fn get<T: DeserializeOwned>(&self, path: &str, query: &[(&str, String)]) -> Result<T> {
        json(self.fetch(path, query)?)
    }

    /// Asks for an answer that is read as it comes.
    pub fn stream(
        &self,
        path: &str,
        query: &[(&str, String)],
    ) -> Result<BufReader<impl std::io::Read + use<>>> {
        Ok(self.stream_with(path, query, "content-type")?.0)
    }

    /// Asks for an answer that is read as it comes, and for one of its headers.
    pub fn stream_with(
        &self,
        path: &str,
        query: &[(&str, String)],
        header: &str,
    ) -> Result<(BufReader<impl std::io::Read + use<>>, Option<String>)> {
        let response = self.fetch(path, query)?;
        let value = response.headers().get(header).and_then(|value| value.to_str().ok()).map(str::to_owned);
        Ok((BufReader::new(response.into_body().into_with_config().limit(u64::MAX).reader()), value))
    }

    /// Sends a JSON document.
    pub fn post<T: DeserializeOwned>(&self, path: &str, document: &impl Serialize) -> Result<T> {
        json(self.checked(self.agent.post(self.url(path)).send_json(document))?)
    }

    /// Sends a JSON document and asks for an answer of a media type, which is read as it comes.
    pub fn post_for(
        &self,
        path: &str,
        document: &serde_json::Value,
        accept: &str,
    ) -> Result<BufReader<impl std::io::Read + use<>>> {
        let request = self.agent.post(self.url(path)).header("accept", accept);
        let response = self.checked(request.send_json(document))?;
        Ok(BufReader::new(response.into_body().into_with_config().limit(u64::MAX).reader()))
    }

    /// Sends a change to something.
    pub fn patch<T: DeserializeOwned>(&self, path: &str, document: &impl Serialize) -> Result<T> {
        json(self.checked(self.agent.patch(self.url(path)).send_json(document))?)
    }

    /// Sends a text.
    pub fn post_text<T: DeserializeOwned>(&self, path: &str, kind: &str, text: &str) -> Result<T> {
        json(self.checked(self.agent.post(self.url(path)).content_type(kind).send(text))?)
    }

    /// Sends bytes, with parameters in the address.
    pub fn post_bytes<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, String)],
        bytes: &[u8],
    ) -> Result<T> {
        let mut request = self.agent.post(self.url(path)).content_type("application/octet-stream");
        for (name, value) in query {
            request = request.query(*name, value);
        }
        json(self.checked(request.send(bytes))?)
    }

    /// Deletes something.
    pub fn delete(&self, path: &str, query: &[(&str, String)]) -> Result<()> {
        let mut request = self.agent.delete(self.url(path));
        for (name, value) in query {
            request = request.query(*name, value);
        }
        self.checked(request.call())?;
        Ok(())
    }

    fn fetch(&self, path: &str, query: &[(&str, String)]) -> Result<Response<Body>> {
        let mut request = self.agent.get(self.url(path));
        for (name, value) in query {
            request = request.query(*name, value);
        }
        self.checked(request.call())
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.server)
    }

    fn checked(&self, answer: Result<Response<Body>, ureq::Error>) -> Result<Response<Body>> {
        let mut response = answer.map_err(|error| anyhow!("cannot reach {}: {error}", self.server))?;
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status();
        match response.body_mut().read_json::<Problem>() {
            Ok(problem) => Err(Failure::Refused(Box::new(problem)).into()),
            // These the server's HTTP layer answers before Lodge reads the request, without a body.
            Err(_) if matches!(status.as_u16(), 414 | 431) => Err(anyhow!(
                "the request is longer than {} takes; shorten the filter or the name in it",
                self.server
            )),
            Err(_) => Err(anyhow!(
                "{} answered {status}, and not in Lodge's form; is it a Lodge server?",
                self.server
            )),
        }
    }
}

/// Writes a name as one segment of a path: whatever is not plain is percent-encoded (RFC 3986, section 2.1).
pub fn segment(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'~');
    let encoded = name.bytes().map(|byte| match byte {
        byte if plain(byte) => char::from(byte).to_string(),
        // A dot alone would be taken for a folder.
        b'.' if name.bytes().any(|other| other != b'.') => ".".to_owned(),
        byte => format!("%{byte:02X}"),
    });
    encoded.collect()
}

fn agent(tls: TlsConfig) -> Agent {
    Agent::config_builder()
        .tls_config(tls)
        .http_status_as_error(false)
        .max_redirects(0)
        .timeout_connect(Some(Duration::from_secs(10)))
        .user_agent(concat!("lodge/", env!("CARGO_PKG_VERSION")))
        .build()
        .into()
}

fn json<T: DeserializeOwned>(mut response: Response<Body>) -> Result<T> {
    let bytes =
        response.body_mut().with_config().limit(1 << 30).read_to_vec().context("the answer broke off")?;
    let bytes: &[u8] = if bytes.is_empty() { b"null" } else { &bytes };
    serde_json::from_slice(bytes)
        .context("the server's answer is not as this release expects; are both of one release?")
}

fn certificates(pem: &str) -> Result<Vec<Certificate<'static>>> {
    let items =
        parse_pem(pem.as_bytes()).collect::<Result<Vec<_>, _>>().context("a certificate file is damaged")?;
    Ok(items
        .into_iter()
        .filter_map(|item| match item {
            PemItem::Certificate(certificate) => Some(certificate),
            _ => None,
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::segment;

    #[test]
    fn a_name_stays_one_segment() {
        assert_eq!(segment("web-1.example"), "web-1.example");
        assert_eq!(segment("x/../y?z#%"), "x%2F..%2Fy%3Fz%23%25");
        assert_eq!(segment(".."), "%2E%2E");
    }
}
