//! Another program on the same display: it drags files over the window, holds what is to be pasted, and does what a
//! window manager does.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use x11rb::connection::Connection as _;
use x11rb::errors::ReplyOrIdError;
use x11rb::protocol::Event;
use x11rb::protocol::xproto::{
    Atom, AtomEnum, ClientMessageEvent, ConnectionExt as _, CreateWindowAux, EventMask, InputFocus, MapState,
    PropMode, SELECTION_NOTIFY_EVENT, SelectionNotifyEvent, SelectionRequestEvent, Window, WindowClass,
};
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

/// The other program.
pub(super) struct Neighbour {
    display: Arc<RustConnection>,
    root: Window,
    own: Window,
    heard: Receiver<ClientMessageEvent>,
}

type Answer<T> = Result<T, ReplyOrIdError>;

impl Neighbour {
    /// Connects to a display and offers a text under a selection, in these types.
    pub(super) fn offering(display: &str, selection: &str, text: &str, types: &[&str]) -> Self {
        Self::try_offering(display, selection, text, types)
            .unwrap_or_else(|error| panic!("the display: {error}"))
    }

    fn try_offering(display: &str, selection: &str, text: &str, types: &[&str]) -> Answer<Self> {
        let (display, screen) =
            RustConnection::connect(Some(display)).unwrap_or_else(|error| panic!("the display: {error}"));
        let root = display.setup().roots[screen].root;
        let own = display.generate_id()?;
        let nothing = CreateWindowAux::new();
        display.create_window(0, own, root, 0, 0, 1, 1, 0, WindowClass::INPUT_ONLY, 0, &nothing)?;
        let display = Arc::new(display);
        let types = types
            .iter()
            .map(|name| atom(&display, name))
            .collect::<Answer<Vec<_>>>()?;
        let targets = atom(&display, "TARGETS")?;
        let selection = atom(&display, selection)?;
        display.set_selection_owner(own, selection, x11rb::CURRENT_TIME)?;
        display.flush()?;
        let (say, heard) = channel();
        let (served, text) = (Arc::clone(&display), text.as_bytes().to_vec());
        // It ends with the display.
        std::thread::spawn(move || serve(&served, &text, &types, targets, &say));
        Ok(Self {
            display,
            root,
            own,
            heard,
        })
    }

    /// Holds a file over a point of the window, and returns once the window has said what it thinks of it.
    pub(super) fn hold_over(&self, (x, y): (u32, u32)) {
        self.hold(x, y)
            .unwrap_or_else(|error| panic!("dragging: {error}"));
    }

    fn hold(&self, x: u32, y: u32) -> Answer<()> {
        let target = self.window()?;
        let list = atom(&self.display, "text/uri-list")?;
        let copy = atom(&self.display, "XdndActionCopy")?;
        self.send(target, "XdndEnter", [self.own, 5 << 24, list, 0, 0])?;
        self.send(target, "XdndPosition", [self.own, 0, x << 16 | y, 0, copy])?;
        self.hear("XdndStatus")
    }

    /// Lets go of the file.
    pub(super) fn let_go(&self) {
        let target = self.window();
        let done = target.and_then(|target| {
            self.send(target, "XdndDrop", [self.own, 0, 0, 0, 0])?;
            self.hear("XdndFinished")
        });
        done.unwrap_or_else(|error| panic!("dropping: {error}"));
    }

    /// Asks the window to close, as its close button does.
    pub(super) fn close_window(&self) {
        let done = self.window().and_then(|window| {
            let delete = atom(&self.display, "WM_DELETE_WINDOW")?;
            self.send(window, "WM_PROTOCOLS", [delete, x11rb::CURRENT_TIME, 0, 0, 0])
        });
        done.unwrap_or_else(|error| panic!("closing the window: {error}"));
    }

    /// Gives the keyboard to the window.
    pub(super) fn focus_window(&self) {
        let done = self.window().and_then(|window| {
            self.display
                .set_input_focus(InputFocus::POINTER_ROOT, window, x11rb::CURRENT_TIME)?;
            self.display.sync()?;
            Ok(())
        });
        done.unwrap_or_else(|error| panic!("the focus: {error}"));
    }

    /// Returns whether a window is to be seen.
    pub(super) fn sees_window(&self) -> bool {
        self.find().is_ok_and(|found| found.is_some())
    }

    fn window(&self) -> Answer<Window> {
        let found = self.find()?;
        Ok(found.unwrap_or_else(|| panic!("there is no window of Headstart on the display")))
    }

    fn find(&self) -> Answer<Option<Window>> {
        for window in self.display.query_tree(self.root)?.reply()?.children {
            // Another window may go while this one is asked.
            let name = self
                .display
                .get_property(false, window, AtomEnum::WM_NAME, AtomEnum::ANY, 0, 64)?
                .reply();
            let shown = self.display.get_window_attributes(window)?.reply();
            if let (Ok(name), Ok(shown)) = (name, shown)
                && name.value == b"Headstart"
                && shown.map_state == MapState::VIEWABLE
            {
                return Ok(Some(window));
            }
        }
        Ok(None)
    }

    fn send(&self, to: Window, kind: &str, data: [u32; 5]) -> Answer<()> {
        let message = ClientMessageEvent::new(32, to, atom(&self.display, kind)?, data);
        self.display.send_event(false, to, EventMask::NO_EVENT, message)?;
        self.display.flush()?;
        Ok(())
    }

    fn hear(&self, kind: &str) -> Answer<()> {
        let wanted = atom(&self.display, kind)?;
        loop {
            match self.heard.recv_timeout(Duration::from_secs(20)) {
                Ok(message) if message.type_ == wanted => return Ok(()),
                Ok(_) => {}
                Err(_) => panic!("{kind} was not answered by the window"),
            }
        }
    }
}

/// Returns the list of files that a drag carries.
pub(super) fn uri_list(path: &Path) -> String {
    format!("file://{}\r\n", path.display())
}

fn serve(
    display: &RustConnection,
    text: &[u8],
    types: &[Atom],
    targets: Atom,
    say: &Sender<ClientMessageEvent>,
) {
    while let Ok(event) = display.wait_for_event() {
        match event {
            Event::ClientMessage(message) => drop(say.send(message)),
            Event::SelectionRequest(request) => drop(answer(display, &request, text, types, targets)),
            _ => {}
        }
    }
}

fn answer(
    display: &RustConnection,
    request: &SelectionRequestEvent,
    text: &[u8],
    types: &[Atom],
    targets: Atom,
) -> Answer<()> {
    let mut property = if request.property == x11rb::NONE {
        request.target
    } else {
        request.property
    };
    if request.target == targets {
        display.change_property32(
            PropMode::REPLACE,
            request.requestor,
            property,
            AtomEnum::ATOM,
            types,
        )?;
    } else if types.contains(&request.target) {
        display.change_property8(
            PropMode::REPLACE,
            request.requestor,
            property,
            request.target,
            text,
        )?;
    } else {
        property = x11rb::NONE;
    }
    let notice = SelectionNotifyEvent {
        response_type: SELECTION_NOTIFY_EVENT,
        sequence: 0,
        time: request.time,
        requestor: request.requestor,
        selection: request.selection,
        target: request.target,
        property,
    };
    display.send_event(false, request.requestor, EventMask::NO_EVENT, notice)?;
    display.flush()?;
    Ok(())
}

fn atom(display: &RustConnection, name: &str) -> Answer<Atom> {
    Ok(display.intern_atom(false, name.as_bytes())?.reply()?.atom)
}
