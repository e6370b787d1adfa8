// Portkey listens on every address and has no option for it: keep it on this machine.
const net = require('node:net');
const listen = net.Server.prototype.listen;
net.Server.prototype.listen = function (first, ...rest) {
  if (typeof first === 'number') {
    return listen.call(this, { port: first, host: '127.0.0.1' }, ...rest.filter((x) => typeof x === 'function'));
  }
  if (first && typeof first === 'object' && first.port !== undefined) {
    return listen.call(this, { ...first, host: '127.0.0.1' }, ...rest);
  }
  return listen.call(this, first, ...rest);
};
