"""What the client is made to do. Each public function of a module here is a case: it gets a Scene,
and what it does and gets back is the same on both sides."""
