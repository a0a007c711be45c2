"""Who may call what: the one method table. What does not stand here is denied to everyone."""

from collections.abc import Mapping

INQUIRY = "/pok.inquiry.v1.InquiryService/"
CONVERSATION = "/pok.inquiry.v1.ConversationService/"
TRACKING = "/pok.inquiry.v1.TrackingService/"
DECISIONS = "/pok.inquiry.v1.DecisionService/"
LIVE = "/pok.inquiry.v1.LiveService/"
STATISTICS = "/pok.inquiry.v1.StatisticsService/"
TRANSFER = "/pok.inquiry.v1.TransferService/"
ERASURE = "/pok.inquiry.v1.ErasureService/"
TRIAGE = "/pok.inquiry.v1.TriageService/"
QUEUE = "/pok.inquiry.v1.QueueService/"
KNOWLEDGE = "/pok.inquiry.v1.KnowledgeService/"
SETTINGS = "/pok.inquiry.v1.SettingsService/"
AUDIT = "/pok.inquiry.v1.AuditService/"
CATALOG = "/pok.inquiry.v1.CatalogService/"
ACCOUNT = "/pok.account.v1.AccountService/"
ANALYSIS = "/pok.ai.v1.AnalysisService/"

# Method → services that may call it. "debug" is the bearer of a `pok debug-token`: reads only.
CALLERS: Mapping[str, frozenset[str]] = {
    method: frozenset(callers.split())
    for method, callers in {
        INQUIRY + "CreateInquiry": "edge",
        INQUIRY + "GetInquiry": "edge debug",
        INQUIRY + "ListInquiries": "edge debug",
        INQUIRY + "UpdateInquiry": "edge",
        INQUIRY + "DeleteInquiry": "edge",
        INQUIRY + "ListEvents": "edge debug",
        INQUIRY + "BatchUpdateInquiries": "edge",
        INQUIRY + "ListSimilarInquiries": "edge debug",
        CONVERSATION + "ListMessages": "edge debug",
        CONVERSATION + "CreateMessage": "edge",
        CONVERSATION + "GetDraft": "edge debug",
        CONVERSATION + "UpdateDraft": "edge",
        CONVERSATION + "RegenerateDraft": "edge",
        TRACKING + "GetTrackedInquiry": "edge",
        TRACKING + "CreateTrackedMessage": "edge",
        TRACKING + "RevokeTracking": "edge",
        DECISIONS + "ListRuns": "edge debug",
        DECISIONS + "RetriageInquiry": "edge",
        DECISIONS + "UndoRun": "edge",
        DECISIONS + "DryRun": "edge",
        DECISIONS + "ExplainCategory": "edge debug",
        DECISIONS + "GetAiState": "edge debug",
        LIVE + "WatchInquiries": "edge debug",
        STATISTICS + "GetStatistics": "edge debug",
        STATISTICS + "GetSeries": "edge debug",
        TRANSFER + "ImportInquiries": "edge",
        TRANSFER + "ExportInquiries": "edge",
        TRANSFER + "ListChangedInquiries": "edge",
        ERASURE + "CreateErasure": "edge",
        ERASURE + "GetJob": "edge",
        TRIAGE + "ClaimTriage": "worker",
        TRIAGE + "ClaimTriages": "worker",
        TRIAGE + "RenewTriages": "worker",
        TRIAGE + "CompleteTriage": "worker",
        TRIAGE + "CompleteTriages": "worker",
        TRIAGE + "FailTriage": "worker",
        TRIAGE + "ReleaseTriage": "worker",
        QUEUE + "GetQueue": "edge debug",
        QUEUE + "CheckWork": "edge debug",
        QUEUE + "ListQueueJobs": "edge debug",
        QUEUE + "RetryJobs": "edge",
        KNOWLEDGE + "WatchKnowledge": "ai debug",
        SETTINGS + "ListSettings": "edge",
        SETTINGS + "UpdateSetting": "edge",
        SETTINGS + "ResetSetting": "edge",
        AUDIT + "ListAuditEntries": "edge",
        AUDIT + "ExportAuditEntries": "edge",
        CATALOG + "ListCategories": "edge debug",
        CATALOG + "GetCategory": "edge debug",
        CATALOG + "CreateCategory": "edge",
        CATALOG + "UpdateCategory": "edge",
        CATALOG + "DeleteCategory": "edge",
        CATALOG + "ListCannedReplies": "edge debug",
        CATALOG + "GetCannedReply": "edge debug",
        CATALOG + "CreateCannedReply": "edge",
        CATALOG + "UpdateCannedReply": "edge",
        CATALOG + "DeleteCannedReply": "edge",
        ACCOUNT + "RegisterAccount": "edge",
        ACCOUNT + "CreateSession": "edge",
        ACCOUNT + "RefreshSession": "edge",
        ACCOUNT + "CheckSession": "edge",
        ACCOUNT + "RevokeRefreshToken": "edge",
        ACCOUNT + "ListSessions": "edge",
        ACCOUNT + "RevokeSessions": "edge",
        ACCOUNT + "GetMe": "edge",
        ACCOUNT + "UpdateMe": "edge",
        ACCOUNT + "ListAgents": "edge",
        ACCOUNT + "ListAccounts": "edge",
        ACCOUNT + "GetAccount": "edge",
        ACCOUNT + "CreateAccount": "edge",
        ACCOUNT + "UpdateAccount": "edge",
        ACCOUNT + "DeleteAccount": "edge",
        ANALYSIS + "Analyze": "worker inquiry",
        ANALYSIS + "Embed": "inquiry",
        ANALYSIS + "DraftReply": "inquiry",
        ANALYSIS + "ExplainCategory": "inquiry",
        ANALYSIS + "GetModel": "worker inquiry debug",
    }.items()
}

# Only the edge speaks for a person.
MAY_SEND_PRINCIPAL = frozenset({"edge"})

# Answered without a token, so that probes and grpcurl's listing work.
OPEN_PREFIXES = ("/grpc.health.v1.Health/", "/grpc.reflection.")
