//! The proxy's own answers: a status and one line that says why.

use super::answer::Answer;
use bytes::Bytes;
use hyper::header::{CONNECTION, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use hyper::{Response, StatusCode};

/// Why a request was not passed on, or has no answer of its service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// It could be read two ways, or lacks something.
    Refused(&'static str),
    /// It has too many fields.
    Fields,
    /// Its method is not for a reverse proxy.
    Method,
    /// The client was too slow with its body.
    Upload,
    /// No version is there.
    NoTarget,
    /// The proxy itself has no descriptor or port left.
    Exhausted,
    /// The service accepts no connection.
    Unreachable,
    /// The service does not accept a connection in time.
    ConnectTime,
    /// The service closed the connection, or sent what is no answer.
    Broken,
    /// The service does not answer in time.
    Answer,
    /// It asked for another protocol by a way that is not known.
    Protocol,
}

impl Why {
    pub(super) fn status(self) -> StatusCode {
        match self {
            Self::Refused(_) => StatusCode::BAD_REQUEST,
            Self::Fields => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Upload => StatusCode::REQUEST_TIMEOUT,
            Self::NoTarget | Self::Exhausted => StatusCode::SERVICE_UNAVAILABLE,
            Self::Unreachable | Self::Broken | Self::Protocol => StatusCode::BAD_GATEWAY,
            Self::ConnectTime | Self::Answer => StatusCode::GATEWAY_TIMEOUT,
        }
    }

    fn words(self) -> String {
        let words = match self {
            Self::Refused(why) => return format!("the request is refused: {why}\n"),
            Self::Fields => "the request has more fields than are taken\n",
            Self::Method => "the method is not for a reverse proxy\n",
            Self::Upload => "the rest of the request did not come in time\n",
            Self::NoTarget => "no version of the service is there\n",
            Self::Exhausted => "the proxy has no connection left\n",
            Self::Unreachable => "the service accepts no connection\n",
            Self::ConnectTime => "the service did not accept a connection in time\n",
            Self::Broken => "the service closed the connection, or sent no answer that could be read\n",
            Self::Answer => "the service did not answer in time\n",
            Self::Protocol => "the service changed the protocol though nobody asked for it\n",
        };
        words.to_owned()
    }

    /// True where what comes next on the connection may not be a request.
    fn closes(self) -> bool {
        matches!(self, Self::Refused(_) | Self::Fields | Self::Upload | Self::Method)
    }

    pub(super) fn response(self) -> Response<Answer> {
        let mut response = Response::new(Answer::Whole(Some(Bytes::from(self.words()))));
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        if self.status() == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        if self.closes() {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}
