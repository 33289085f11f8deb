chat.addEventListener(function(event) {
    if (event.type === "message.new") {
        const { message } = event.data;
        console.log("New message: ", message);
    }
})

chat.subscribe({
    channelIds: ["alpha", "bravo"]
})
