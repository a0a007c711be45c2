Redoc.init("/api/openapi.json", { disableGoogleFont: true, hideDownloadButton: false }, document.getElementById("redoc"));
