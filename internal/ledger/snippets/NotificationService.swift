import UserNotifications

// The notification service extension of the app: it tells Channelwatch that a test message has arrived. Every other
// notification goes through unchanged.
final class NotificationService: UNNotificationServiceExtension {
    private static let receipts = "receipts.example.com"
    private var show: (() -> Void)?

    override func didReceive(
        _ request: UNNotificationRequest,
        withContentHandler contentHandler: @escaping (UNNotificationContent) -> Void
    ) {
        let content = request.content
        guard
            let text = content.userInfo["channelwatch_receipt"] as? String,
            let receipt = URL(string: text), receipt.scheme == "https", receipt.host == Self.receipts
        else {
            contentHandler(content)
            return
        }
        show = { contentHandler(content) }
        // Posts to the address in the message, without a body. The answer is empty and of no interest.
        var post = URLRequest(url: receipt, cachePolicy: .reloadIgnoringLocalCacheData, timeoutInterval: 10)
        post.httpMethod = "POST"
        URLSession.shared.dataTask(with: post) { _, _, _ in
            DispatchQueue.main.async { self.finish() }
        }.resume()
    }

    // iOS gives an extension about 30 seconds.
    override func serviceExtensionTimeWillExpire() {
        DispatchQueue.main.async { self.finish() }
    }

    // Shows the notification, once.
    private func finish() {
        show?()
        show = nil
    }
}
