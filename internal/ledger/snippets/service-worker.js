// The service worker of a canary browser: it tells Channelwatch that a push message has arrived, and shows it.

self.addEventListener('install', () => self.skipWaiting());
self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()));

self.addEventListener('push', (event) => {
  event.waitUntil(Promise.all([confirm(event.data), show()]));
});

// confirm posts to the address in the message, without a body. The answer is empty and of no interest, and 'no-cors'
// lets the browser send it to another site without asking there first.
async function confirm(data) {
  const receipt = data?.json().channelwatch_receipt;
  if (receipt) {
    await fetch(receipt, { method: 'POST', mode: 'no-cors', credentials: 'omit', cache: 'no-store' });
  }
}

// show keeps the browser's promise to its user that every push message is seen; one that is not costs permissions. That
// it cannot be shown, as in a browser without a window, says nothing about its arrival.
async function show() {
  try {
    await self.registration.showNotification('Channelwatch', { body: 'Test message', tag: 'channelwatch', silent: true });
  } catch {
    // Nothing to do: the receipt is what counts.
  }
}
