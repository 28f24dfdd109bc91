// Loaded by NODE_OPTIONS into the thread that exports spans: it ends before it has begun.
throw new Error('no thread today')
