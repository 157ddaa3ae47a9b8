// Loaded before a server of npm: it then listens on loopback alone, on a port of the system's choice, and says which.
const net = require("node:net");

const listen = net.Server.prototype.listen;

net.Server.prototype.listen = function (_asked, ...rest) {
  this.once("listening", () => process.stdout.write(`listening ${this.address().port}\n`));
  return listen.call(this, 0, "127.0.0.1", ...rest.filter((each) => typeof each === "function"));
};
