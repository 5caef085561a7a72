// What makes the console quicker; every page works without it.
import "./keys.js";
import "./menus.js";
import "./forms.js";
import "./live.js";
import "./events.js";
