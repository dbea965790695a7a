package com.example.shop

import com.google.firebase.messaging.FirebaseMessagingService
import com.google.firebase.messaging.RemoteMessage
import java.io.IOException
import java.net.HttpURLConnection
import java.net.URL

// Tells Channelwatch that a test message has arrived. If the app has a service like this one already, call confirm from
// there: Android hands messages to one of them only.
class CanaryMessagingService : FirebaseMessagingService() {
    // Runs on a thread of its own, for a few seconds at most.
    override fun onMessageReceived(message: RemoteMessage) {
        message.data["channelwatch_receipt"]?.let(::confirm)
    }

    override fun onNewToken(token: String) {
        // The canary's token has changed: show it where whoever looks after the phone finds it, never in a log.
    }

    // Posts to the address in the message, without a body. The answer is empty and of no interest.
    private fun confirm(receipt: String) {
        val url = URL(receipt)
        if (url.protocol != "https" || url.host != RECEIPTS) return
        val connection = url.openConnection() as HttpURLConnection
        try {
            connection.requestMethod = "POST"
            connection.connectTimeout = 5_000
            connection.readTimeout = 5_000
            connection.doOutput = true
            connection.setFixedLengthStreamingMode(0)
            connection.outputStream.close()
            connection.responseCode
        } catch (_: IOException) {
            // Nothing to do: without a receipt the message counts as lost.
        } finally {
            connection.disconnect()
        }
    }

    private companion object {
        const val RECEIPTS = "receipts.example.com"
    }
}
