// The former address, for one release: phones ask for it whose worker was installed before.
import "../offline/offline.js";
