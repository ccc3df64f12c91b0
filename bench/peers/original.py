"""Conversations in the memory of one process: FastAPI, AutoGen, and a dictionary of agents.

Every conversation_id has an agent of its own that keeps what was said; all share one model client. A lock keeps turns of
one conversation apart, and every five minutes conversations idle for thirty are dropped.
"""

import asyncio
import json
import os
import resource
import uuid
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import uvicorn
from autogen_agentchat.agents import AssistantAgent
from autogen_agentchat.messages import ModelClientStreamingChunkEvent, TextMessage
from autogen_ext.models.openai import OpenAIChatCompletionClient
from fastapi import FastAPI, HTTPException
from fastapi.responses import PlainTextResponse, StreamingResponse
from pydantic import BaseModel

IDLE = timedelta(minutes=30)
CLEAN_EVERY_SECONDS = 300


@dataclass
class Session:
    session_id: str
    agent: AssistantAgent
    created_at: datetime = field(default_factory=datetime.now)
    last_accessed: datetime = field(default_factory=datetime.now)
    message_count: int = 0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def info(self) -> dict:
        return {
            "session_id": self.session_id,
            "created_at": self.created_at.isoformat(),
            "last_accessed": self.last_accessed.isoformat(),
            "message_count": self.message_count,
        }


class SessionService:
    def __init__(self) -> None:
        self.sessions: dict[str, Session] = {}
        self.lock = asyncio.Lock()
        self.client = OpenAIChatCompletionClient(
            model="scripted",
            base_url=os.environ["MODEL_URL"],
            api_key="bench",
            model_info={
                "vision": False,
                "function_calling": False,
                "json_output": False,
                "structured_output": False,
                "family": "unknown",
            },
        )

    async def get_or_create(self, session_id: str) -> Session:
        async with self.lock:
            session = self.sessions.get(session_id)
            if session is None:
                agent = AssistantAgent("assistant", model_client=self.client, model_client_stream=True)
                session = self.sessions[session_id] = Session(session_id, agent)
            session.last_accessed = datetime.now()
            return session

    async def delete(self, session_id: str) -> bool:
        async with self.lock:
            return self.sessions.pop(session_id, None) is not None

    async def clean(self) -> None:
        while True:
            await asyncio.sleep(CLEAN_EVERY_SECONDS)
            async with self.lock:
                past = datetime.now() - IDLE
                for session_id in [one.session_id for one in self.sessions.values() if one.last_accessed < past]:
                    del self.sessions[session_id]


service: SessionService


@asynccontextmanager
async def lifespan(_app: FastAPI):
    global service
    service = SessionService()
    cleaning = asyncio.create_task(service.clean())
    yield
    cleaning.cancel()


app = FastAPI(lifespan=lifespan)


class Chat(BaseModel):
    message: str
    conversation_id: str | None = None


async def pieces(session: Session, message: str):
    """The answer as it comes, one text each."""
    async with session.lock:
        async for event in session.agent.run_stream(task=message):
            if isinstance(event, ModelClientStreamingChunkEvent):
                yield event.content
        session.message_count += 1
        session.last_accessed = datetime.now()


@app.post("/api/chat")
async def chat(body: Chat) -> dict:
    session = await service.get_or_create(body.conversation_id or str(uuid.uuid4()))
    async with session.lock:
        result = await session.agent.run(task=body.message)
        session.message_count += 1
        session.last_accessed = datetime.now()
    last = result.messages[-1]
    reply = last.content if isinstance(last, TextMessage) else ""
    return {"reply": reply, "session_id": session.session_id}


@app.post("/api/chat/stream")
async def chat_stream(body: Chat) -> StreamingResponse:
    session = await service.get_or_create(body.conversation_id or str(uuid.uuid4()))

    async def events():
        async for text in pieces(session, body.message):
            yield f"event: delta\ndata: {json.dumps({'content': text})}\n\n"
        yield f"event: done\ndata: {json.dumps({'session_id': session.session_id})}\n\n"

    return StreamingResponse(
        events(), media_type="text/event-stream", headers={"X-Session-ID": session.session_id}
    )


@app.get("/api/sessions")
async def sessions() -> dict:
    found = [one.info() for one in service.sessions.values()]
    return {"sessions": found, "total": len(found)}


@app.get("/api/sessions/{session_id}")
async def session_info(session_id: str) -> dict:
    session = service.sessions.get(session_id)
    if session is None:
        raise HTTPException(404)
    return session.info()


@app.delete("/api/sessions/{session_id}")
async def delete_session(session_id: str) -> dict:
    if not await service.delete(session_id):
        raise HTTPException(404)
    return {"message": "会话已删除", "session_id": session_id}


@app.get("/health")
async def health() -> dict:
    return {"status": "healthy", "agent_initialized": True, "session_count": len(service.sessions)}


@app.get("/livez")
async def livez() -> PlainTextResponse:
    return PlainTextResponse("alive\n")


@app.get("/metrics")
async def metrics() -> PlainTextResponse:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return PlainTextResponse(f"process_cpu_seconds_total {used.ru_utime + used.ru_stime}\n")


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(os.environ["PORT"]), log_level="warning", access_log=False)
