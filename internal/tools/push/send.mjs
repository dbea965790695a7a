// Sends what standard input says, {subscription, vapid: {subject, publicKey, privateKey}, payloads}, one message after the
// other, and prints the statuses.
import { text } from 'node:stream/consumers';
import webpush from 'web-push';

const { subscription, vapid, payloads } = JSON.parse(await text(process.stdin));
const statuses = [];
for (const payload of payloads) {
  const options = { vapidDetails: vapid, TTL: 60, contentEncoding: 'aes128gcm' };
  const answer = await webpush.sendNotification(subscription, payload, options).catch((error) => error);
  statuses.push(answer.statusCode ?? String(answer));
}
console.log(JSON.stringify(statuses));
