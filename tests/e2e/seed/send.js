chat.sendMessage({
    channelId: "alpha",
    content: "<p>Hello, World!</p>",
    metadata: {
        coordinates: "27.9881,86.9250",
        temperature: "69.3"
    },
    parentId: "8e8a4e05-12e3-43b5-882e-d9711426f8e3",
    files: []
}).then((res) => {
    if (res.status.error) {
        console.log(`Send Message Failed:
            Reason: ${res.status.errorData.message}
            (Status Code: ${res.status.errorData.statusCode})
        `);
        return;
    }
    const message = res.response.message;
});    
