//! A page: what it shows, what it says, what it asks the network for.

use super::devtools::Connection;
use base64::Engine as _;
use serde_json::{Value, json};
use std::path::Path;

/// A window's size, and whether its user prefers dark.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    pub name: &'static str,
    pub width: u32,
    pub height: u32,
    pub dark: bool,
}

pub(crate) const PHONE: Look = Look { name: "phone", width: 360, height: 740, dark: false };
pub(crate) const DESKTOP: Look = Look { name: "desktop", width: 1280, height: 900, dark: false };

impl Look {
    pub(crate) fn dark(self) -> Self {
        Self { dark: true, ..self }
    }
}

/// What a page did besides showing itself.
#[derive(Debug, Default)]
pub(crate) struct Behaviour {
    /// Console messages, exceptions, refusals of the security policy, dialogs.
    pub said: Vec<String>,
    /// Addresses of all requests, also of those that were stopped before they left.
    pub requests: Vec<String>,
    /// Why requests were stopped.
    pub stopped: Vec<String>,
}

/// An open page.
pub(crate) struct Page<'a> {
    connection: &'a mut Connection,
    target: String,
    session: String,
}

impl<'a> Page<'a> {
    pub(super) fn open(connection: &'a mut Connection) -> Self {
        let made = connection.call("Target.createTarget", &json!({ "url": "about:blank" }), None).unwrap();
        let target = made["targetId"].as_str().unwrap().to_owned();
        let attach = json!({ "targetId": target, "flatten": true });
        let attached = connection.call("Target.attachToTarget", &attach, None).unwrap();
        let session = attached["sessionId"].as_str().unwrap().to_owned();
        let mut page = Self { connection, target, session };
        for domain in ["Page", "Runtime", "Log", "Network"] {
            page.call(&format!("{domain}.enable"), &json!({}));
        }
        page
    }

    fn call(&mut self, method: &str, params: &Value) -> Value {
        self.connection.call(method, params, Some(&self.session)).unwrap_or_else(|fault| panic!("{fault}"))
    }

    /// Sets window and colour scheme.
    pub(crate) fn look(&mut self, look: Look) {
        let size =
            json!({ "width": look.width, "height": look.height, "deviceScaleFactor": 1, "mobile": false });
        self.call("Emulation.setDeviceMetricsOverride", &size);
        let scheme = if look.dark { "dark" } else { "light" };
        let motion = json!({ "name": "prefers-reduced-motion", "value": "reduce" });
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }, motion] });
        self.call("Emulation.setEmulatedMedia", &media);
    }

    /// Whether scripts run at all.
    pub(crate) fn allow_scripts(&mut self, allow: bool) {
        self.call("Emulation.setScriptExecutionDisabled", &json!({ "value": !allow }));
    }

    /// Opens an address and waits until everything is loaded.
    pub(crate) fn go(&mut self, url: &str) {
        self.connection.take_events(&self.session);
        let answer = self.call("Page.navigate", &json!({ "url": url }));
        assert_eq!(answer.get("errorText"), None, "{url}");
        self.connection.wait_for("Page.loadEventFired", &self.session);
    }

    /// The value of an expression.
    pub(crate) fn eval(&mut self, expression: &str) -> Value {
        let params = json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let answer = self.call("Runtime.evaluate", &params);
        assert_eq!(answer.get("exceptionDetails"), None, "{expression}");
        answer["result"]["value"].clone()
    }

    /// How many elements a selector finds.
    pub(crate) fn count(&mut self, selector: &str) -> u64 {
        self.eval(&format!("document.querySelectorAll({}).length", json!(selector))).as_u64().unwrap()
    }

    /// What has happened since the last address was opened.
    pub(crate) fn behaviour(&mut self) -> Behaviour {
        // A round trip first: whatever the page did before has been told by then.
        self.eval("new Promise(done => requestAnimationFrame(() => setTimeout(done, 0)))");
        let mut behaviour = Behaviour::default();
        for event in self.connection.take_events(&self.session) {
            let params = &event["params"];
            match event["method"].as_str().unwrap_or_default() {
                "Network.requestWillBeSent" => {
                    behaviour.requests.push(params["request"]["url"].as_str().unwrap().to_owned());
                }
                "Network.loadingFailed" => behaviour.stopped.push(params["blockedReason"].to_string()),
                "Runtime.consoleAPICalled" => behaviour.said.push(params["args"].to_string()),
                "Runtime.exceptionThrown" => behaviour.said.push(params["exceptionDetails"].to_string()),
                "Log.entryAdded" => behaviour.said.push(params["entry"]["text"].to_string()),
                "Page.javascriptDialogOpening" => {
                    behaviour.said.push(format!("dialog {}", params["message"]));
                }
                _ => {}
            }
        }
        behaviour
    }

    /// The accessibility tree as (role, name) of what is not ignored.
    pub(crate) fn accessible(&mut self) -> Vec<(String, String)> {
        self.call("Accessibility.enable", &json!({}));
        let tree = self.call("Accessibility.getFullAXTree", &json!({}));
        let text = |node: &Value, key: &str| node[key]["value"].as_str().unwrap_or_default().to_owned();
        let nodes = tree["nodes"].as_array().unwrap().iter().filter(|node| node["ignored"] != json!(true));
        nodes.map(|node| (text(node, "role"), text(node, "name"))).collect()
    }

    /// Writes a picture of the window.
    pub(crate) fn picture(&mut self, file: &Path) {
        let shot = self.call("Page.captureScreenshot", &json!({ "format": "png" }));
        let bytes = base64::engine::general_purpose::STANDARD.decode(shot["data"].as_str().unwrap()).unwrap();
        std::fs::write(file, bytes).unwrap();
    }

    /// Makes the window as high as the page, as far as a picture can be high. What the page lays out
    /// only in sight is laid out then.
    pub(crate) fn stretch(&mut self, look: Look) {
        let size = self.call("Page.getLayoutMetrics", &json!({}))["cssContentSize"].clone();
        let height = size["height"].as_f64().unwrap().clamp(f64::from(look.height), 16_000.0);
        self.look(Look { height: height as u32, ..look });
        // What comes into sight is laid out some frames later.
        let shown = "new Promise((done, fail) => { \
                       const end = performance.now() + 60000; \
                       const inSight = e => e.getBoundingClientRect().top < innerHeight; \
                       const shown = e => e.firstElementChild.checkVisibility({ contentVisibilityAuto: true }); \
                       const look = () => [...document.querySelectorAll('tr')].filter(inSight).every(shown) ? done() \
                         : performance.now() > end ? fail('rows stay hidden') : requestAnimationFrame(look); \
                       requestAnimationFrame(look); })";
        self.eval(shown);
    }
}

impl Drop for Page<'_> {
    fn drop(&mut self) {
        let _ = self.connection.call("Target.closeTarget", &json!({ "targetId": self.target }), None);
    }
}
